"""What replicas answer: health, version, clock, certificates, keys."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isinf
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from firstbuy.diagnosis.check import CLOCK_BOUND, END_BOUND, Check, not_asked, right, wrong
from shared.contracts.access import SERVICES
from shared.proof.signing import ALGORITHM

Sample = tuple[str, Mapping[str, str], float]
NOT_PASSED_ON: Final = "404: a proxy keeps it inside; name replicas with --from"
_DATE_LAGS: Final = timedelta(seconds=2)
"""A Date header has whole seconds, and the server draws it anew about once a second."""
_CLOCK: Final = "let the machine follow a time server: `chronyc makestep`; docs/runbooks.md, Clock off"


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0: there is none, and `text` says why. Moments are of this machine's clock."""

    status: int
    text: str
    date: datetime | None
    asked_at: datetime
    heard_at: datetime

    @property
    def document(self) -> Any:
        """Its JSON; None if it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def said(self) -> str:
        return self.text if self.status == 0 else str(self.status)


@dataclass(frozen=True, slots=True)
class ReplicaFound:
    """What one replica answered to each question."""

    service: str
    url: str
    live: Answer
    ready: Answer
    metrics: Answer
    keys: Answer

    @property
    def name(self) -> str:
        return f"{self.service} at {self.url}"

    def samples(self) -> list[Sample]:
        """Its metrics; none where it did not give them."""
        if self.metrics.status != 200:
            return []
        try:
            families = list(text_string_to_metric_families(self.metrics.text))
        except ValueError:
            return []
        return [(each.name, each.labels, each.value) for family in families for each in family.samples]

    def build(self) -> Mapping[str, str]:
        """The labels of firstbuy_build_info."""
        return next((labels for name, labels, _ in self.samples() if name == "firstbuy_build_info"), {})


def compare_replica(found: ReplicaFound, now: datetime) -> list[Check]:
    """All that is asked of one."""
    if found.live.status == 0:
        fix = "is it started, and is that its address? docs/runbooks.md, Service down"
        return [wrong(found.name, f"does not answer: {found.live.said}", fix)]
    return [
        _health(found, "live", found.live, "stuck"),
        _health(found, "ready", found.ready, "missing"),
        _clock(found),
        *_offset(found),
        *_ends(found, now),
        _keys(found),
    ]


def _health(found: ReplicaFound, name: str, answer: Answer, member: str) -> Check:
    subject = f"{found.name}: {name}"
    if answer.status == 404:
        return not_asked(subject, NOT_PASSED_ON)
    document = answer.document
    reasons = document.get(member) if isinstance(document, dict) else None
    if answer.status == 200 and reasons == {}:
        return right(subject, "yes")
    said = "; ".join(f"{what}: {why}" for what, why in reasons.items()) if isinstance(reasons, dict) else answer.said
    return wrong(subject, said, _HEALTH_FIXES.get(next(iter(reasons or ()), ""), _SERVICE_FIX).format(found.service))


_SERVICE_FIX: Final = "read its log; docs/runbooks.md, Service down"
_HEALTH_FIXES: Final = {"migrations": "python -m services.{} migrate", "clock": _CLOCK}


def _clock(found: ReplicaFound) -> Check:
    subject, answer = f"{found.name}: clock", found.live
    if answer.date is None:
        return not_asked(subject, "the answer has no Date")
    off = apart(answer.date, answer.date + _DATE_LAGS, answer.asked_at, answer.heard_at)
    if off > CLOCK_BOUND:
        return wrong(subject, f"at least {off.total_seconds():.0f} s from this machine's", _CLOCK)
    return right(subject, "as this machine's, as far as a Date shows")


def apart(earliest: datetime, latest: datetime, asked_at: datetime, heard_at: datetime) -> timedelta:
    """How far two clocks differ for certain: one read something in [earliest, latest] while the other went from
    `asked_at` to `heard_at`."""
    return max(timedelta(0), earliest - heard_at, asked_at - latest)


def _offset(found: ReplicaFound) -> list[Check]:
    return [
        right(f"{found.name}: clock and database", f"{value:+.3f} s apart")
        if abs(value) <= CLOCK_BOUND.total_seconds()
        else wrong(f"{found.name}: clock and database", f"{value:+.3f} s apart", _CLOCK)
        for name, _, value in found.samples()
        if name == "firstbuy_clock_offset_seconds"
    ]


def _ends(found: ReplicaFound, now: datetime) -> list[Check]:
    ends = {labels["kind"]: value for name, labels, value in found.samples() if name == "firstbuy_end_seconds"}
    soon = [
        wrong(
            f"{found.name}: {kind}",
            f"ends at {now + timedelta(seconds=value):%Y-%m-%d %H:%M} UTC",
            "renew it: docs/runbooks.md, Certificate ended",
        )
        for kind, value in sorted(ends.items())
        if value < END_BOUND.total_seconds()
    ]
    used = sorted(kind for kind, value in ends.items() if not isinf(value))
    if soon or not ends:
        return soon
    return [right(f"{found.name}: certificates", f"none ends soon: {', '.join(used) or 'none is used'}")]


def _keys(found: ReplicaFound) -> Check:
    subject = f"{found.name}: keys"
    if found.keys.status == 404:
        return not_asked(subject, NOT_PASSED_ON)
    fix = f"FIRSTBUY_{found.service.upper()}_SIGNING_KEY_FILE; docs/runbooks.md, Key compromised"
    if found.keys.status != 200:
        return wrong(subject, found.keys.said, _SERVICE_FIX)
    listed = found.keys.document
    if not isinstance(listed, list) or not listed:
        return wrong(subject, "no list of keys", fix)
    if bad := [key for key in listed if not well_formed(key)]:
        return wrong(subject, f"{len(bad)} of {len(listed)} are not well formed", fix)
    return right(subject, f"{len(listed)} published, newest {listed[-1]['key_id']}")


def well_formed(key: Any) -> bool:
    """Whether a published key is 32 bytes, and has the names that follow from them."""
    try:
        raw = bytes.fromhex(key["public_key"])
        first_used_at = datetime.fromisoformat(key["first_used_at"])
        fingerprint = hashlib.sha256(raw).hexdigest()
        named = (key["algorithm"], key["fingerprint"], key["key_id"]) == (ALGORITHM, fingerprint, fingerprint[:16])
    except (KeyError, TypeError, ValueError):
        return False
    return len(raw) == 32 and named and first_used_at.tzinfo is not None


def compare_versions(found: Sequence[ReplicaFound], own: str) -> Check:
    """Whether all replicas have one version, and it is that of this command, whose declarations are compared."""
    versions = {each.name: each.build().get("version", "unknown") for each in found if each.build()}
    if not versions:
        return not_asked("versions", "no replica gave its metrics")
    if len(set(versions.values())) > 1:
        said = ", ".join(f"{name}: {version}" for name, version in sorted(versions.items()))
        return wrong("versions", said, "finish the release: docs/operators.md, Every deployment")
    (version,) = set(versions.values())
    if version != own:
        fix = f"run doctor from version {version}: what is declared is compared as {own} declares it"
        return wrong("versions", f"all {version}; this command is {own}", fix)
    return right("versions", f"{version}, in {len(versions)} replicas and here")


def compare_services(found: Sequence[ReplicaFound], own: str, now: datetime) -> list[Check]:
    """All replicas; services of which none was named are said to be not asked."""
    unnamed = [
        not_asked(service, f"no address: --from URL, or {address_variable(service)}")
        for service in SERVICES
        if not any(each.service == service for each in found)
    ]
    return [*(check for each in found for check in compare_replica(each, now)), compare_versions(found, own), *unnamed]


def address_variable(service: str) -> str:
    """By which an environment names a service's address."""
    return "FIRSTBUY_URL" if service == "intake" else f"FIRSTBUY_{service.upper()}_URL"
