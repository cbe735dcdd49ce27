"""What a firm may have in a round: no product twice from one party, and no more products than its limit.

A product has two names, its item id and the firm's own reference; entries that share a name are of the same product. A
withdrawn entry frees its place, and keeps its names for its party, who resumes it with its token.

Anybody can write a firm's number. So another party may enter the firm's product too, and then both entries are
contested: neither is judged until one is left. If one is more certain to come from the firm, it replaces the other, and
nobody has to decide (docs/adr/0020).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.intake.domain.submissions import FirmLimit, Refusal
from shared.contracts.facts import Product
from shared.contracts.identity import IdentityLevel

Names = frozenset[str]


def names(product: Product) -> Names:
    """All names of a product."""
    return names_of(product.reference, product.item_id)


def names_of(reference: str, item_id: str | None) -> Names:
    """Upper and lower case make no difference in a reference."""
    own = frozenset({f"ref:{reference.casefold()}"})
    return own | {f"item:{item_id}"} if item_id else own


def came_with(product_key: str) -> Names:
    """The name that an entry first came with, which it keeps."""
    kind, _, name = product_key.partition(":")
    return names_of(name, None) if kind == "ref" else frozenset({product_key})


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmEntry:
    """An entry of a firm. `token_hash`: of the token that opens it. `contact`: the mail address of its party, compared
    without case; None where it is erased."""

    application: str
    names: Names
    track: str
    withdrawn: bool
    token_hash: str
    contact: str | None = None
    identity: IdentityLevel = IdentityLevel.NONE
    contested: bool = False

    def is_of(self, other: "FirmEntry") -> bool:
        """True if both are of the same party."""
        mine, theirs = self.contact, other.contact
        return mine is not None and theirs is not None and mine.casefold() == theirs.casefold()

    def is_rival_of(self, other: "FirmEntry") -> bool:
        """True if both are of the same product, and neither is withdrawn."""
        return not self.withdrawn and not other.withdrawn and bool(self.names & other.names)


@dataclass(frozen=True, slots=True)
class Caps:
    """Most entries of one firm: in the round (None: any number), and in each track with a limit of its own."""

    of_round: int | None
    of_tracks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """An entry may be admitted: contested or not, after the `outranked` entries, which are less certain of the firm,
    leave."""

    contested: bool = False
    outranked: tuple[str, ...] = ()


def place(asked: FirmEntry, others: Sequence[FirmEntry], caps: Caps) -> Place | Refusal | FirmLimit:
    """Where an entry fits beside the `others` of its firm, or why it doesn't."""
    same = [other for other in others if other.names & asked.names]
    if any(entry.is_of(asked) for entry in same):
        return Refusal.ALREADY_ENTERED
    rivals = [rival for rival in same if not rival.withdrawn]
    if any(rival.identity.surer_than(asked.identity) for rival in rivals):
        return Refusal.ENTERED_BY_SURER
    outranked = [rival.application for rival in rivals if asked.identity.surer_than(rival.identity)]
    left = [other for other in others if not other.withdrawn and other.application not in outranked]
    while reached := over_limit(asked, left, caps):
        weaker = [other for other in left if asked.identity.surer_than(other.identity) and not other.is_of(asked)]
        if not weaker:
            return reached
        outranked.append(weaker[-1].application)
        left.remove(weaker[-1])
    return Place(any(entry.is_rival_of(asked) for entry in left), tuple(outranked))


def over_limit(asked: FirmEntry, others: Iterable[FirmEntry], caps: Caps) -> FirmLimit | None:
    """Checks the track's limit before the round's; names the entry that the token of `asked` opens."""
    standing = [other for other in others if not other.withdrawn]
    in_track = [entry for entry in standing if entry.track == asked.track]
    for most, counted, of_track in (
        (caps.of_tracks.get(asked.track), in_track, asked.track),
        (caps.of_round, standing, None),
    ):
        if most is not None and products([*counted, asked]) > most:
            opened = next((entry.application for entry in counted if entry.token_hash == asked.token_hash), None)
            return FirmLimit(most, of_track, opened)
    return None


def products(standing: Collection[FirmEntry]) -> int:
    """How many products these entries are once each contest is settled; in doubt one too many.

    Each entry is counted under one of its names, the most frequent one: of all entries under one name, one stays in the
    end.
    """
    left, counted = list(standing), 0
    while left:
        (name, _), counted = _commonest(left), counted + 1
        left = [entry for entry in left if name not in entry.names]
    return counted


def _commonest(standing: Collection[FirmEntry]) -> tuple[str, int]:
    times = Counter(name for entry in standing for name in entry.names)
    return max(sorted(times.items()), key=lambda each: each[1])


def contested(standing: Sequence[FirmEntry]) -> set[str]:
    """Entries of a product that another entry shares."""
    return {
        entry.application
        for entry in standing
        if any(other is not entry and other.is_rival_of(entry) for other in standing)
    }
