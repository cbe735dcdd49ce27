"""The command `firstbuy`: what officers, institutions, auditors and operators type."""
