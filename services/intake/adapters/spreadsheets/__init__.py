"""Reads spreadsheet files as sheets of cells, whatever program wrote them. Nothing in them is evaluated."""
