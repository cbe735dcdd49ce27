"""What speaks to the outside other than Kafka and SQL."""
