"""Notify's SQL: the facts that notices state, the deliveries that are owed, and their outcomes."""
