"""What the service does: a module for one thing, callable without HTTP or Kafka."""
