"""Institutions in Kafka: topics, users, rights and quotas, made by whoever runs it (docs/adr/0014)."""
