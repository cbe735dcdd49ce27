"""How surely an entry comes from the firm that it names."""

from enum import StrEnum


class IdentityLevel(StrEnum):
    """From the least sure to the surest."""

    NONE = "none"
    """Whoever sent it knew the firm's number, which is public."""
    REGISTRY = "registry"
    """The tax service confirmed the number, the day of opening and the representative, all three as one."""
    IDENTITY_PROVIDER = "identity-provider"
    """Somebody signed in as the firm."""

    def surer_than(self, other: "IdentityLevel") -> bool:
        order = list(IdentityLevel)
        return order.index(self) > order.index(other)

    def at_least(self, other: "IdentityLevel") -> bool:
        return not other.surer_than(self)
