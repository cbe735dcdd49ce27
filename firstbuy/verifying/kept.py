"""A folder of what somebody kept, held against a bundle."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO

from firstbuy.verifying.kept_claims import Comparing, Keys
from firstbuy.verifying.kept_files import KeptFile
from firstbuy.verifying.kept_kinds import PACK, PROOF, RECEIPT, kind_of
from firstbuy.verifying.kept_round import Body, RoundSays
from firstbuy.verifying.kept_values import Kept
from services.selection.verify import harmless


@dataclass(slots=True)
class Holding:
    """What all files come to. `roots` are those to examine the bundle by, of the kinds that `examine` takes."""

    files: dict[str, Kept] = field(default_factory=dict)
    roots: dict[str, list[str]] = field(default_factory=dict)
    unbacked: list[str] = field(default_factory=list)


def held_against(source: IO[bytes], files: Iterable[KeptFile], keys: Keys | None) -> Holding:
    """`source`: the bundle, at its beginning. `keys`: as intake publishes them, to check receipts by."""
    read = [(file, [kind_of(document) for document in file.documents]) for file in files]
    asked = {name for _, kinds in read for found in kinds if found for name in _asked(*found)}
    withdrawn = [found[1] for _, kinds in read for found in kinds if found and found[0] == RECEIPT]
    comparing = Comparing(
        RoundSays(source, asked), keys, [withdrawal for withdrawal in withdrawn if withdrawal["withdrawn"] is True]
    )
    holding = Holding()
    for file, kinds in read:
        kept = comparing.of_file(kinds)
        kept.says += [f"not read: {why}" for why in file.unread]
        holding.files[harmless(str(file.path))] = kept
    holding.roots = comparing.held
    holding.unbacked = comparing.unbacked()
    return holding


def _asked(kind: str, body: Body) -> list[str]:
    """Applications and requests that it speaks of."""
    named = [body.get("application"), body.get("request")]
    if kind == PROOF and isinstance(body["leaf"], list):
        named += body["leaf"][:1]
    if kind == PACK and isinstance(body["application"], dict):
        named.append(body["application"].get("application"))
    return [name for name in named if isinstance(name, str)]
