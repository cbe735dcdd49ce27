"""The commitment: one root over everything the draw rests on, published before the seed is known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.findings import VerdictOutcome
from shared.proof.canonical import json_hash, payload_hash
from shared.proof.merkle import Digest, digest_of


@dataclass(frozen=True, slots=True)
class Entry:
    """An application as committed, ineligible ones included. `score` is None if the policy asks for none."""

    application: str
    outcome: VerdictOutcome
    tickets: int
    score: int | None = None

    def leaf(self) -> tuple[str, str, int, int | None]:
        """The leaf of `entries_root`."""
        return self.application, self.outcome.value, self.tickets, self.score


def pledges_root(pledges: Mapping[str, int]) -> str:
    """SHA-256 of canonical `[[institution, won], …]`, in order of institution."""
    return json_hash(sorted(pledges.items()))


def entries_digest(entries: Iterable[Entry]) -> Digest:
    """The digest over leaves `[id, outcome, tickets, score]`; it does not depend on the order of `entries`."""
    return digest_of(entry.leaf() for entry in entries)


def unlike(
    committed: Mapping[str, Any],
    entries: Iterable[Entry],
    pledges: Mapping[str, int],
    requests: Sequence[Mapping[str, Any]],
) -> list[str]:
    """The parts that differ from `committed`, an InputsCommitted as JSON; empty if all agree.

    Requests are checked only if all have nonces: those stored before nonces were kept have None.
    """
    differing = []
    if entries_digest(entries).root != committed["entries_root"]:
        differing.append("entries")
    if pledges_root(pledges) != committed["pledges_root"]:
        differing.append("pledges")
    if all(each.get("nonce") for each in requests):
        leaves = ((each["request"], each["version"], each["payload_hash"]) for each in requests)
        sound = all(payload_hash(each["nonce"], each["facts"]) == each["payload_hash"] for each in requests)
        if not sound or digest_of(leaves).root != committed["requests_root"]:
            differing.append("requests")
    return differing


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What `commitment_root` is the hash of."""

    round: str
    epoch: int
    applications_root: str
    requests_root: str
    verdicts_root: str
    entries_root: str
    pledges_root: str
    policy_hash: str

    @property
    def root(self) -> str:
        """SHA-256 of the canonical JSON object of these fields."""
        return json_hash(
            {
                "round": self.round,
                "epoch": self.epoch,
                "applications_root": self.applications_root,
                "requests_root": self.requests_root,
                "verdicts_root": self.verdicts_root,
                "entries_root": self.entries_root,
                "pledges_root": self.pledges_root,
                "policy_hash": self.policy_hash,
            }
        )
