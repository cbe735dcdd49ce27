"""What a service runs on: HTTP, PostgreSQL, settings, logs, its outbox, its audit log."""
