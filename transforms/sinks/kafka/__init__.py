"""Rows in Kafka topics, one a table."""
