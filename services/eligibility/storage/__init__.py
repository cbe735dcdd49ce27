"""Eligibility's SQL. Each function takes a connection and returns domain values; transactions belong to the caller."""
