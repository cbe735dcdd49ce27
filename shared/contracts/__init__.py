"""What the services say to each other: facts, policies, events and topics. Imports pydantic and nothing else."""
