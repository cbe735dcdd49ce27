"""The portal: server-rendered pages for applicants and the public, a client of the services' HTTP APIs (ADR 25)."""
