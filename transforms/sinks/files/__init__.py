"""Rows in files: one a table, or of a stream a folder a table."""
