"""Policies as files: read with their lines, checked, compared in words."""
