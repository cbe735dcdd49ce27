"""The services as HTTP clients see them, what is kept of their answers, and templates."""
