"""What a firm has in a round: no product twice, by whichever of its names, and no more entries than its limit.

A product has two names, its item id and the firm's own reference: what shares one of them is the same product. A
withdrawn entry gives its place back, and keeps its names: it is taken up again by its own token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.intake.domain.admission import FirmLimit, Refusal
from shared.contracts.facts import Product

Names = frozenset[str]


def names(product: Product) -> Names:
    return names_of(product.reference, product.item_id)


def names_of(reference: str, item_id: str | None) -> Names:
    """A reference is the same in capitals and in small letters."""
    own = frozenset({f"ref:{reference.casefold()}"})
    return own | {f"item:{item_id}"} if item_id else own


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry of a firm. `token_hash`: of the token that opens it."""

    application: str
    names: Names
    track: str
    withdrawn: bool
    token_hash: str


@dataclass(frozen=True, slots=True)
class Caps:
    """Entries that one firm may have standing: in the round (None: any number), and in each track that has its own."""

    of_round: int | None
    of_tracks: Mapping[str, int]


def refusal(
    product: Names, track: str, others: Sequence[Standing], caps: Caps, token_hash: str | None = None
) -> Refusal | FirmLimit | None:
    """Why the firm can't have this product standing in this track beside its `others`; None where it can.

    `token_hash`: of the token that was sent, whose entry is named where a limit is reached.
    """
    if any(product & one.names for one in others):
        return Refusal.ALREADY_ENTERED
    return over_limit(track, others, caps, token_hash)


def over_limit(track: str, others: Sequence[Standing], caps: Caps, token_hash: str | None = None) -> FirmLimit | None:
    """The track's limit before the round's."""
    standing = [one for one in others if not one.withdrawn]
    in_track = [one for one in standing if one.track == track]
    for most, counted, of_track in ((caps.of_tracks.get(track), in_track, track), (caps.of_round, standing, None)):
        if most is not None and len(counted) >= most:
            opened = next((one.application for one in counted if one.token_hash == token_hash), None)
            return FirmLimit(most, of_track, opened)
    return None
