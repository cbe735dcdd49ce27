"""Use cases: one module for each thing the service does, callable without HTTP or Kafka."""
