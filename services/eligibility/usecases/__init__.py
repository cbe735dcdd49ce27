"""What the service does: each module does one thing, callable without HTTP or Kafka."""
