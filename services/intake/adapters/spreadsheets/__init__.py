"""Files of spreadsheets as sheets of cells, whatever program wrote them. Nothing in them is evaluated."""
