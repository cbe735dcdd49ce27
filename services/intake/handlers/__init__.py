"""Kafka: the institutions' inboxes, and decisions of the other services."""
