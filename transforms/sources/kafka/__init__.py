"""Read a feature log from Kafka: thousands of messages a poll, decoded where they are read."""
