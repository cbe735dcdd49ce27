"""What every service runs on: HTTP, PostgreSQL, settings, logs, outbox, audit log."""
