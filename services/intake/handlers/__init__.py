"""Kafka in: the institutions' inboxes, and what the other services decided."""
