"""What confirms that somebody is the firm that they say they are."""

from typing import Protocol

from services.intake.domain.identity import Claimed
from shared.contracts.identity import IdentityLevel


class ApplicantIdentity(Protocol):
    @property
    def level(self) -> IdentityLevel:
        """How sure it is of what it confirms; `none` where nobody can be asked."""

    async def confirms(self, claimed: Claimed) -> bool:
        """Whether all that is claimed is true of one firm. Raises `RegistryFailureError`: then nothing was said."""


class NobodyAsked:
    """`ApplicantIdentity` of a programme that confirms no firm."""

    level = IdentityLevel.NONE

    async def confirms(self, claimed: Claimed) -> bool:
        return False
