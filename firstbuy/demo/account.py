"""The round as the topics tell it: newest versions, verdicts, results, money, answers, deliveries, roots."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from firstbuy.demo.observer import Seen, rank
from firstbuy.samples.firms import FirmKind

SELECTED, RESERVE, NOT_SELECTED = "selected", "reserve", "not-selected"
RESULTS: Final = {"ProductSelected": SELECTED, "ProductReserved": RESERVE, "ProductNotSelected": NOT_SELECTED}
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An application that stands, with its verdict and its result as published."""

    application: str
    version: int
    payload_hash: str
    nonce: str
    facts: Json
    verdict: Json | None
    result: Json | None
    result_kind: str | None

    @property
    def findings(self) -> dict[str, str]:
        return {finding["rule"]: finding["outcome"] for finding in self.verdict["findings"]} if self.verdict else {}

    @property
    def outcome(self) -> str | None:
        return self.verdict["outcome"] if self.verdict else None

    @property
    def kind(self) -> FirmKind:
        """By what the verdict states of the firm."""
        if self.findings.get("startup") == "pass":
            return FirmKind.STARTUP
        return FirmKind.FIRST_TIMER if self.findings.get("first-timer") == "pass" else FirmKind.ESTABLISHED

    @property
    def without_record(self) -> bool:
        """States that it has sold nothing to public institutions so far. To have stated nothing is another thing."""
        record = self.facts["applicant"].get("supply_record")
        return record is not None and record["won"] == 0

    @property
    def awards(self) -> Sequence[Json]:
        awards: Sequence[Json] = self.result["awards"] if self.result and self.result_kind == SELECTED else ()
        return awards

    @property
    def key(self) -> tuple[str, str]:
        return self.facts["applicant"]["business_number"], self.facts["product"]["reference"]


@dataclass(frozen=True, slots=True)
class Account:
    """What must have become of each application, to check the round against."""

    entries: tuple[Entry, ...]
    withdrawn: tuple[tuple[str, str], ...]
    resubmitted: int
    contested: int
    """Versions that say so."""
    outranked: int
    """Entries that gave way to one that is surer of its firm."""
    requests: Mapping[str, Json]
    opened: Json
    frozen: Json
    judged: Json
    committed: Json
    source: Json
    proposed: Json
    confirmed: Json
    answers: Sequence[Json]
    deliveries: Counter[str]
    failed_deliveries: int
    turns: Counter[str]
    award_notices: Sequence[Json]
    results: int

    @property
    def selected(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.result_kind == SELECTED]

    def by_result(self) -> Counter[str | None]:
        return Counter(entry.result_kind for entry in self.entries)

    def by_rule(self) -> dict[str, Counter[str]]:
        """For each rule, in the order of the policy, how many entries it found what of."""
        counts: dict[str, Counter[str]] = {}
        for entry in self.entries:
            for rule, outcome in entry.findings.items():
                counts.setdefault(rule, Counter())[outcome] += 1
        return counts

    def awarded(self) -> Counter[str]:
        """Won by institution."""
        money: Counter[str] = Counter()
        for entry in self.selected:
            for award in entry.awards:
                money[award["institution"]] += award["amount_won"]
        return money


def account_of(seen: Seen) -> Account:
    """From events in any order: the highest version of everything wins."""
    submitted = _standing(seen, "ApplicationSubmitted")
    gone = {
        application
        for application, event in _standing(seen, "ApplicationWithdrawn").items()
        if event["version"] > submitted[application]["version"]
    }
    verdicts, results = _standing(seen, "ApplicationJudged"), seen.standing(*RESULTS)
    versions, withdrawals = _versions(seen, "ApplicationSubmitted"), _versions(seen, "ApplicationWithdrawn")
    notices = {event["delivery"]: event for event in seen.of("NoticeDelivered") if event["round"] is not None}
    return Account(
        entries=tuple(
            _entry(event, verdicts.get(application), results.get(application))
            for application, event in sorted(submitted.items())
            if application not in gone
        ),
        withdrawn=tuple(_key(submitted[application]) for application in sorted(gone)),
        resubmitted=sum(event["version"] > 1 and not event.get("restated") for event in versions),
        contested=sum(bool(event.get("contested")) for event in versions),
        outranked=sum(bool(event.get("outranked")) for event in withdrawals),
        requests=_requests(seen),
        opened=_newest(seen, "RoundOpened"),
        frozen=_newest(seen, "RoundFrozen"),
        judged=_newest(seen, "EligibilityCompleted"),
        committed=_newest(seen, "InputsCommitted"),
        source=_newest(seen, "SourceValueRecorded"),
        proposed=_newest(seen, "SelectionProposed"),
        confirmed=_newest(seen, "SelectionConfirmed"),
        answers=seen.of("InboxAnswered"),
        deliveries=Counter(event["channel"] for event in notices.values()),
        failed_deliveries=len({event["delivery"] for event in seen.of("NoticeFailed")}),
        turns=Counter(event["turn"] for event in seen.of("RoundNoticed")),
        award_notices=seen.of("AwardNoticed"),
        results=len(results),
    )


def _standing(seen: Seen, name: str) -> dict[str, Json]:
    return {application: event for application, (_, event) in seen.standing(name).items()}


def _versions(seen: Seen, name: str) -> Iterable[Json]:
    """Each version once."""
    return {(event["application"], event["version"]): event for event in seen.of(name)}.values()


def _newest(seen: Seen, name: str) -> Json:
    newest = seen.newest(name)
    if newest is None:
        raise LookupError(f"no {name} was published")
    return newest


def _entry(event: Json, verdict: Json | None, result: tuple[str, Json] | None) -> Entry:
    name, body = result or (None, None)
    return Entry(
        application=event["application"],
        version=event["version"],
        payload_hash=event["payload_hash"],
        nonce=event["nonce"],
        facts=event["facts"],
        verdict=verdict,
        result=body,
        result_kind=RESULTS[name] if name else None,
    )


def _key(event: Json) -> tuple[str, str]:
    return event["facts"]["applicant"]["business_number"], event["facts"]["product"]["reference"]


def _requests(seen: Seen) -> dict[str, Json]:
    """The purchase requests that stand."""
    newest: dict[str, Json] = {}
    for event in (*seen.of("PurchaseRequestAccepted"), *seen.of("PurchaseRequestWithdrawn")):
        known = newest.get(event["request"])
        if known is None or rank(known) < rank(event):
            newest[event["request"]] = event
    return {request: event for request, event in newest.items() if "facts" in event}
