"""HTTP: applicants, institutions, officers, and anyone who reads what is public."""
