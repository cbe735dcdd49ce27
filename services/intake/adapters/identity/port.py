"""The port of whatever confirms that somebody is the firm they claim to be."""

from typing import Protocol

from services.intake.domain.identity import Claimed
from shared.contracts.identity import IdentityLevel


class ApplicantIdentity(Protocol):
    """Confirms claims of identity."""

    @property
    def level(self) -> IdentityLevel:
        """How certain a confirmation is; `none` where nobody can be asked."""

    async def confirms(self, claimed: Claimed) -> bool:
        """True if all claims are true of one firm. Raises RegistryFailureError, which says nothing about the claim."""


class NobodyAsked:
    """The `ApplicantIdentity` of a programme that confirms no firm."""

    level = IdentityLevel.NONE

    async def confirms(self, claimed: Claimed) -> bool:
        return False
