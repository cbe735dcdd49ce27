"""Notify's SQL: `facts`, what notices say, and `deliveries`, what is owed to whom and what became of it."""
