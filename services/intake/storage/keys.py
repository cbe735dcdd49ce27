"""The key that signs receipts and audit heads, and every public key that ever did: as in every service."""

from shared.keys import PublishedKey, SigningKey, published

__all__ = ["PublishedKey", "SigningKey", "published"]
