"""The round recomputed from the topics alone, as an auditor would: hashes, roots, seed, draw and matching."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from firstbuy.demo.account import Account, Entry
from services.selection.domain import commitment, draw, matching, offers, proposal, tickets
from shared.contracts.facts import FACTS, ApplicationFacts, RequestFacts
from shared.contracts.findings import Finding, VerdictOutcome
from shared.contracts.policy import POLICY, Policy
from shared.programme.certificates import AcceptedKinds
from shared.proof.canonical import findings_hash, json_hash, payload_hash
from shared.proof.merkle import digest_of

_REQUEST: TypeAdapter[RequestFacts] = TypeAdapter(RequestFacts)
_FINDINGS: TypeAdapter[tuple[Finding, ...]] = TypeAdapter(tuple[Finding, ...])


@dataclass(frozen=True, slots=True)
class Audit:
    """Every value here was computed anew; the checks lay it beside what the services published."""

    wrong_hashes: int
    admitted: str
    judged: str
    selected_from: str
    requests: str
    verdicts: str
    entries: str
    pledges: str
    commitment: str
    seed: str
    selection: str
    """Of the draw and the matching done again."""
    selection_as_published: str
    """Over the results as they stand in selections.v1."""


def audited(account: Account) -> Audit:
    """Judges every entry again and holds it against what was published."""
    policy = POLICY.validate_python(account.opened["policy"])
    facts = {entry.application: FACTS.validate_python(entry.facts) for entry in account.entries}
    committed = [_committed(entry, facts[entry.application], policy) for entry in account.entries]
    pledges = {institution["institution"]: institution["pledge_won"] for institution in account.opened["institutions"]}
    requests = digest_of(
        (name, request["version"], request["payload_hash"]) for name, request in account.requests.items()
    )
    roots = commitment.Commitment(
        round=account.opened["round"],
        epoch=account.committed["epoch"],
        applications_root=_root((entry.application, entry.version, entry.payload_hash) for entry in account.entries),
        requests_root=requests.root,
        verdicts_root=_root(map(_verdict_leaf, (entry for entry in account.entries if entry.verdict))),
        entries_root=commitment.entries_digest(committed).root,
        pledges_root=commitment.pledges_root(pledges),
        policy_hash=json_hash(account.opened["policy"]),
    )
    seed = draw.seed_of(roots.root, account.source["value"])
    offered = _offers(account, facts, policy)
    demands = [
        offers.demand_of(name, request["institution"], _REQUEST.validate_python(request["facts"]))
        for name, request in account.requests.items()
    ]
    again = proposal.propose(policy, seed, committed, offered, demands, pledges)
    judged = {
        entry.application: (entry.application, entry.verdict["version"], entry.verdict["payload_hash"])
        for entry in account.entries
        if entry.verdict
    }
    return Audit(
        wrong_hashes=_wrong_hashes(account),
        admitted=roots.applications_root,
        judged=_root(judged.values()),
        selected_from=_root(judged[entry.application] for entry in account.entries if entry.result and entry.verdict),
        requests=roots.requests_root,
        verdicts=roots.verdicts_root,
        entries=roots.entries_root,
        pledges=roots.pledges_root,
        commitment=roots.root,
        seed=seed,
        selection=again.selection_root,
        selection_as_published=_published_root(account, {entry.application: entry for entry in committed}, seed),
    )


def _root(rows: Any) -> str:
    return digest_of(rows).root


def _committed(entry: Entry, facts: ApplicationFacts, policy: Policy) -> commitment.Entry:
    """Who is not eligible has tickets too: an appeal gives no more than these."""
    if entry.verdict is None:
        return commitment.Entry(entry.application, VerdictOutcome.PARKED, 0)
    findings = _FINDINGS.validate_python(entry.verdict["findings"])
    standing = tickets.ticket_grounds(findings, facts.applicant.supply_record)
    return commitment.Entry(
        entry.application, VerdictOutcome(entry.verdict["outcome"]), tickets.tickets(standing, policy)
    )


def _verdict_leaf(entry: Entry) -> tuple[Any, ...]:
    verdict: Mapping[str, Any] = entry.verdict or {}
    names = ("application", "version", "payload_hash", "epoch", "outcome", "findings_hash")
    return tuple(verdict[name] for name in names)


def _offers(account: Account, facts: Mapping[str, ApplicationFacts], policy: Policy) -> dict[str, offers.Offer]:
    accepted = AcceptedKinds.compile(policy.as_of, policy.certificates)
    return {
        entry.application: offers.offer_of(
            entry.application, facts[entry.application].applicant.business_number, facts[entry.application], accepted
        )
        for entry in account.entries
    }


def _wrong_hashes(account: Account) -> int:
    """Payload hashes that are not those of the facts, and findings hashes that are not those of the findings."""
    wrong: int = sum(payload_hash(entry.nonce, entry.facts) != entry.payload_hash for entry in account.entries)
    wrong += sum(
        payload_hash(request["nonce"], request["facts"]) != request["payload_hash"]
        for request in account.requests.values()
    )
    for entry in account.entries:
        if entry.verdict:
            wrong += findings_hash({**entry.verdict, "nonce": entry.nonce}) != entry.verdict["findings_hash"]
    return wrong


def _published_root(account: Account, committed: Mapping[str, commitment.Entry], seed: str) -> str:
    """Those who stood in the draw, by position, then the others by id, as the proposal has them."""
    lines: list[tuple[int, str, proposal.Proposed]] = []
    for entry in account.entries:
        if entry.result is None or entry.result_kind is None:
            continue
        position = entry.result.get("position")
        count = committed[entry.application].tickets
        key = draw.draw_key(seed, entry.application, count).hex() if position else None
        awards = tuple(
            offers.Award(award["request"], award["institution"], award["quantity"], award["amount_won"])
            for award in entry.awards
        )
        placement = matching.Placement(entry.application, matching.Result(entry.result_kind), awards)
        lines.append((position or 2**53, entry.application, proposal.Proposed(placement, position, key)))
    lines.sort(key=lambda line: line[:2])
    return proposal.selection_root(line for _, _, line in lines)
