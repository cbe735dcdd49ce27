#!/usr/bin/env python3
"""Checks the evidence of a round's result, with nothing but Python 3.11 and this file.

    python verify.py BUNDLE [--commitment ROOT]... [--selection ROOT] [--announcement ROOT] [--shown ROOT] [--json]

BUNDLE is what `GET /rounds/{round}/evidence` gave: JSON lines, in either depth. The roots, if you hold copies of them
(an institution has them on its own topic, from the day they were published), tie the bundle to what was published then.

It reads the bundle once, in bounded memory, recomputes every root, draws and matches again, and names each line that
differs: a bundle passes only if the protocol of docs/close.md could have made it. What it can't check it says. The
format is specified in docs/evidence.md. Exit code 0: nothing differs, and two officers confirmed it; 3: nothing
differs, and nobody confirmed it; 1: something differs; 2: it was asked wrongly.
"""

import argparse
import hashlib
import heapq
import json
import re
import sys
import tempfile
import unicodedata
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Any

FORMATS = ("firstbuy-evidence-v1", "firstbuy-evidence-v2")
SECTIONS = ("event", "pledges", "request", "entry", "later")
LONGEST_LINE = 4 * 1024 * 1024
"""Octets. An event has at most one mebibyte (a Kafka record), an entry a firm's facts."""
MOST_WAYS = 50_000
LONGEST_NUMBER = 200
BUCKETS = 256
DIFFERENCES_SHOWN = 50
SORTED_AT_ONCE = 50_000
KEPT_AT_ONCE = 1 << 29
"""Bits, of the sets of requests of a class that are kept; what is not kept is made again."""
CHANGES_AT_LEAST = 16
"""Requests of a class are put in order again after so many changes; of many, after four times their number's root."""
BLOCKS = 64
"""Sets of places that are kept of an order, so that one from any place on is near one of them."""
LONGEST_DELIVERY = (1 << 53) - 1
"""What who names no limit of days takes: no number of the format is greater."""
HASHED_AT_ONCE = 1024
"""A power of two, so that the leaves hashed at once are a whole subtree."""

# The format as data. page/format.js has these tables word for word (`make schemas`): both verifiers ask the same, and
# docs/evidence.md shows them.

TEXTS = r"""
text               [^\u0000]{0,10000}
line               [^\u0000-\u001f]{1,200}
code               [a-z0-9][a-z0-9-]{0,60}
parameter          [a-z][a-z0-9_]{0,60}
pattern            [^\u0000]{1,200}
round              [a-z0-9][a-z0-9-]{1,39}
institution        [a-z][a-z0-9-]{1,30}
request-id         [a-z][a-z0-9-]{1,30}/[A-Za-z0-9._-]{1,64}
uuid               [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
hash               [0-9a-f]{64}
nonce              [0-9a-f]{32}
hex                ([0-9a-f]{2}){1,500}
base64             [A-Za-z0-9+/]+={0,2}
moment             [0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z
day                [0-9]{4}-[0-9]{2}-[0-9]{2}
value              [0-9a-f./]{1,4000}
class              [0-9]{8}
detailed-class     [0-9]{10}
item               [0-9]{8}
business-number    [0-9]{10}
corporate-number   [0-9]{13}
reference          [A-Za-z0-9._-]{1,64}
file-name          [^\u0000-\u001f\u007f/\\]{1,255}
media-type         [a-z]+/[a-z0-9][a-z0-9.+-]{0,125}
format             firstbuy-evidence-v[12]
depth              public|auditor
method             weighted-draw|score
source-kind        rehearsal|rfc3797|drand
outcome            eligible|ineligible
finding            pass|fail|waived|unknown
unit               won|days|count
result             selected|reserve|not-selected
reason             ineligible|below-threshold|no-demand|firm-limit|reserve-full|given-up|declined
cause              given-up|declined
identity           none|registry|identity-provider
legal-form         corporation|sole-proprietor
origin             new|succession|conversion|reopening
status             active|suspended|closed
"""
"""What a text may be, whole: a name and a regular expression."""

NUMBERS = """
count              0 9007199254740991
positive           1 9007199254740991
whole              -9007199254740991 9007199254740991
tickets            0 1000
epoch              1 1000000
"""
"""What a number may be: whole numbers alone, from and to."""

SHAPES = """
Act                    round:round actors:Actor[] reason:line
Terms                  title:line opens_at:moment closes_at:moment policy_hash:hash lead_seconds:count
                       sources:Source[] rehearsal?:Rehearsal? unattended?:bool announcement_root?:hash?
head                   bundle:format depth:depth epoch:epoch round:round
pledges                type:code pledges:(institution,count)[]
request                type:code request:request-id version:positive payload_hash:hash institution:institution
                       class_code:class quantity:positive budget_won:positive price_ceiling_won:positive?
                       certificate_kinds:code[] region:code? delivery_days_at_most:count? sealed:hash
entry                  type:code application:uuid version:positive payload_hash:hash judged_in:epoch outcome:outcome
                       findings_hash:hash tickets:tickets score:count? drawn_under:epoch track:code firm:positive
                       class_code:class price_won:positive capacity:positive delivery_days:count regions:code[]
                       certificates:code[] position:positive? key:hash? result:result reason:reason?
                       reserve_position:positive? awards:(request-id,positive,positive)[] sealed:hash
                       identity?:identity applicant?:line product?:line
end                    type:code records:count root:hash later:count later_root:hash
opened-request         nonce:nonce facts:RequestFacts
opened-entry           nonce:nonce facts:Facts findings:Finding[] marks?:(code,positive,count,bool)[]
Actor                  name:line role:code
Rehearsal              real_anchor:moment programme_anchor:moment rate:positive seed:line
Source                 source:code kind:source-kind period_seconds:positive description:line anchor?:moment?
                       fails_after_seconds?:positive? chain_hash?:hash? public_key?:hex? scheme?:code?
Invitation             institution:institution pledge_won:count
Manifest               count:count root:hash counts:count[] roots:hash[]
Amended                application:uuid version:positive
Leaving                application:uuid cause:cause reason:text
Cancelled              request:request-id reason:text
RequestFacts           class_code:class quantity:positive budget_won:positive price_ceiling_won?:positive?
                       certificate_kinds?:code[] region?:code? delivery_days_at_most?:count? note?:text
Facts                  track:code applicant:Applicant product:Product certificates?:Certificate[]
                       documents?:DocumentFile[]?
Document               number:line issued_on:day expires_on?:day?
DocumentFile           kind:code sha256:hash bytes:positive media_type:media-type name:file-name
Certificate            kind:code number:line issued_on:day expires_on?:day? grade?:code?
SupplyRecord           won:count count:count
Applicant              name:line business_number:business-number legal_form:legal-form started_on:day
                       corporate_number?:corporate-number? origin?:origin status?:status? sanctioned?:bool?
                       sme_confirmation?:Document? supply_record?:SupplyRecord? annual_sales_won?:count?
                       credit_grade?:line?
Product                name:line reference:reference class_code:class price_won:positive capacity:positive
                       delivery_days:count regions?:code[] item_id?:item? detailed_class?:detailed-class?
                       description?:text direct_production?:Document?
Finding                rule:code legal_source:line outcome:finding seen:stated? needed:stated? margin:whole?
                       unit:unit? decides:bool
Titled                 ko:line en:line
Parameters             *parameter:stated
Notices                *parameter:Titled
Kind                   kind:code name:Titled authority:line number_pattern:pattern grades?:code[]
                       validity_years?:positive?
Condition              rule:code legal_source:line parameters?:Parameters decides?:bool
Waiver                 code:code legal_source:line when:code[] waives:code[]
Track                  track:code name:Titled conditions:Condition[] waivers?:Waiver[] certificates?:code[]
                       limits?:TrackLimits?
TicketStep             tickets:tickets startup?:bool? first_timer?:bool? record_won_at_most?:count?
                       record_count_at_most?:count?
ScoreStep              points:count record_won_at_most?:count?
Scoring                supply_record:ScoreStep[] panel_points?:count threshold?:count
TrackLimits            places?:positive? reserve?:count? selections_per_firm?:positive?
                       applications_per_firm?:positive?
Limits                 places?:positive? reserve?:count? applications_per_firm?:positive? selections_per_firm:positive
                       requests_per_product:positive contract_tolerance_percent?:count?
Rolling                every_months:positive status_months:positive
RegistryUse            registry:code authority:line kinds?:code[]
Policy                 policy:round title:Titled method:method as_of:day certificates:Kind[] tracks:Track[]
                       tickets:TicketStep[] limits:Limits scoring?:Scoring? purchasable_classes?:code[]
                       rolling?:Rolling? notices?:Notices? identity?:identity? registries?:RegistryUse[]?
RoundAnnounced         +Act +Terms policy:code series?:round? cut?:positive? pledges?:Invitation[]?
RoundAmended           +Act +Terms policy:code amendment:positive amended_at:moment pledges?:Invitation[]?
RoundOpened            +Act +Terms policy:Policy institutions:Invitation[] key_fingerprints?:hash[] series?:round?
                       cut?:positive?
RoundExtended          +Act closes_at:moment closed_at_before:moment
RoundFrozen            +Act epoch:epoch frozen_at:moment closes_at:moment applications:Manifest requests:Manifest
                       pledges?:Invitation[]?
EpochOpened            +Act epoch:epoch opened_at:moment applications:Manifest requests:Manifest judge_again:uuid[]
                       judge_all?:bool admitted?:uuid[] amended?:Amended[] supplementary_source?:code?
EligibilityCompleted   round:round epoch:epoch applications_root:hash verdicts:Manifest eligible:count
                       ineligible:count completed_at:moment
ScoresClosed           +Act epoch:epoch marks:count marks_root:hash closed_at:moment
InputsCommitted        round:round epoch:epoch applications_root:hash requests_root:hash verdicts_root:hash
                       entries_root:hash pledges_root:hash policy_hash:hash commitment_root:hash entries:count
                       committed_at:moment seed_epoch?:epoch? supplementary?:count
SourceValueRecorded    +Act epoch:epoch source:code value:value due_at:moment recorded_at:moment
                       beacon_round?:positive? signature?:hex?
SelectionProposed      round:round epoch:epoch commitment_root:hash seed:hash selection_root:hash selected:count
                       reserve:count not_selected:count proposed_at:moment shown_root?:hash?
SelectionConfirmed     +Act epoch:epoch commitment_root:hash selection_root:hash confirmed_at:moment batch?:positive?
                       batch_root?:hash? shown_root?:hash?
CommitmentTimeStamped  round:round epoch:epoch commitment_root:hash authority:line token:base64 stamped_at:moment
ReleaseOpened          +Act epoch:epoch batch:positive selection_root:hash leaving:Leaving[] cancelled:Cancelled[]
                       opened_at:moment
ReleaseProposed        round:round epoch:epoch batch:positive selection_root:hash state_hash:hash batch_root:hash
                       promoted:count changed:count withdrawn:count proposed_at:moment
ReleaseConfirmed       +Act epoch:epoch batch:positive batch_root:hash confirmed_at:moment
RegistryWaived         +Act registry:code waived_at:moment
RoundFinalized         +Act epoch:epoch finalized_at:moment
RoundVoided            +Act voided_at:moment
"""
"""Every record, closed: `member:kind`, and no other member. `member?` may be absent, `kind?` may be null; `kind[]` is a
list of it, `(kind,kind)` a row of exactly these; `+Name` has the members of another; `*kind:kind` is members of such
names. `bool` is true or false, `stated` a text, a number, a yes or no, or a list of texts."""

LIFE = """
RoundAnnounced         unknown > announced none by=announcers
RoundAmended           announced > announced none each=amendment by=announcers
RoundOpened            announced > open none by=clock title~terms.title opens_at~terms.opens_at
                       closes_at~terms.closes_at policy_hash~terms.policy_hash lead_seconds~terms.lead_seconds
                       sources~terms.sources rehearsal~terms.rehearsal unattended~terms.unattended
                       announcement_root~terms.announcement_root policy.policy~terms.policy
                       series~RoundAnnounced.series cut~RoundAnnounced.cut
RoundExtended          announced,open > same none each=closes_at by=officers
RoundFrozen            open > frozen first by=clock moment=frozen_at since=closes_at
EpochOpened            frozen,judged,committed,drawn,proposed,confirmed > frozen later by=officers moment=opened_at
                       since=before requests~RoundFrozen.requests
EligibilityCompleted   frozen > judged any moment=completed_at since=set applications_root~set.applications.root
                       verdicts.count~set.applications.count
ScoresClosed           frozen,judged > same any by=officers moment=closed_at since=set
InputsCommitted        judged > committed any moment=committed_at since=EligibilityCompleted,ScoresClosed
                       applications_root~set.applications.root requests_root~set.requests.root
                       verdicts_root~EligibilityCompleted.verdicts.root entries~EligibilityCompleted.verdicts.count
                       policy_hash~RoundOpened.policy_hash
SourceValueRecorded    committed > drawn any by=clock-or-officers moment=recorded_at since=InputsCommitted,due_at
SelectionProposed      committed,drawn > proposed any moment=proposed_at since=InputsCommitted,SourceValueRecorded
                       commitment_root~InputsCommitted.commitment_root
SelectionConfirmed     proposed > confirmed any by=officers moment=confirmed_at since=SelectionProposed
                       commitment_root~InputsCommitted.commitment_root selection_root~SelectionProposed.selection_root
                       shown_root~SelectionProposed.shown_root
ReleaseOpened          proposed,confirmed > same any each=batch by=officers moment=opened_at since=SelectionProposed
                       selection_root~SelectionProposed.selection_root
ReleaseProposed        proposed,confirmed > same any each=batch moment=proposed_at since=ReleaseOpened
                       selection_root~SelectionProposed.selection_root
ReleaseConfirmed       confirmed > same any each=batch by=officers moment=confirmed_at since=ReleaseProposed
                       batch_root~ReleaseProposed.batch_root
CommitmentTimeStamped  committed,drawn,proposed,confirmed > same any commitment_root~InputsCommitted.commitment_root
RegistryWaived         * > same none each=registry by=officers
RoundFinalized         confirmed > final any by=clock moment=finalized_at since=SelectionConfirmed
RoundVoided            announced,open,frozen,judged,committed,drawn,proposed > void end by=officers
"""
"""A round's life, in the order that the events of an epoch stand in: from which states an event may come, and to which
it leads; whether it is of no epoch, the first, a later one or any, or ends the round; `each`: what tells several of an
epoch apart; `by` whom; its `moment`, `since` those of which events, and own members, it may not be earlier; and
`member~event.member`: what it says as others do. `terms` is the last of RoundAnnounced and RoundAmended, `set` the
RoundFrozen or EpochOpened of the epoch, `before` that of the epoch before; another event is the one of the same epoch
and batch."""

LEADING = [
    "RoundAnnounced",
    "RoundAmended",
    "RoundOpened",
    "RoundExtended",
    "RoundFrozen",
    "EpochOpened",
    "EligibilityCompleted",
    "ScoresClosed",
    "InputsCommitted",
    "SourceValueRecorded",
    "SelectionProposed",
    "ReleaseOpened",
]
"""What leads to a proposal: these stand before the pledges; a ReleaseOpened where it is of an earlier epoch."""
ANNOUNCED = [
    "closes_at",
    "lead_seconds",
    "opens_at",
    "policy_hash",
    "rehearsal",
    "round",
    "sources",
    "title",
    "unattended",
]
"""Members that `announcement_root` is made of, with the pledges."""


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


@dataclass
class Report:
    """What was looked at, in words. Where nothing differs, the result follows from what was committed alone."""

    depth: str = "unknown"
    checked: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Of what differs, the check that found each: the page gives the same."""
    more: int = 0
    """Differences beyond those listed."""
    confirmed: bool = False
    """By two officers, in this file: without that it is a proposal."""
    voided: bool = False

    def wrong(self, name: str, told: str) -> None:
        if len(self.differs) < DIFFERENCES_SHOWN:
            self.names.append(name)
            self.differs.append(told)
        else:
            self.more += 1

    def same(self, right: bool, name: str, what: str, wrong: str) -> None:
        if right:
            self.checked.append(what)
        else:
            self.wrong(name, wrong)

    def verdict(self) -> str:
        if self.differs:
            return "differs"
        if self.voided:
            return "sound as far as it goes, and the round was ended without a result"
        return "nothing differs" if self.confirmed else "sound as far as it goes, and confirmed by nobody"


class UnreadableError(ValueError):
    """The file is no bundle, or not a whole one: nothing more can be said of it."""

    def __init__(self, name: str, told: str) -> None:
        super().__init__(told)
        self.name = name


# Hashes and trees (RFC 8785, RFC 9162 §2.1)


def canonical(value: Any) -> bytes:
    """Names of members are ASCII in every shape, so that their order is that of RFC 8785."""
    return _encode(value).encode()


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def json_hash(value: Any) -> str:
    return sha256_hex(canonical(value))


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The root over leaves that come one after another, in memory that does not grow with them."""

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[tuple[int, bytes]] = []
        self._leaves: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        self.size += 1
        self._leaves.append(hashlib.sha256(b"\x00" + leaf).digest())
        if len(self._leaves) == HASHED_AT_ONCE:
            height, node = 0, _paired(self._leaves)
            self._leaves = []
            while self._whole and self._whole[-1][0] == height:
                node = _node(self._whole.pop()[1], node)
                height += 1
            self._whole.append((height, node))

    def root(self) -> bytes:
        nodes = [node for _, node in self._whole]
        if self._leaves:
            nodes.append(_paired(self._leaves))
        if not nodes:
            return hashlib.sha256(b"").digest()
        root = nodes.pop()
        for left in reversed(nodes):
            root = _node(left, root)
        return root


def _paired(level: list[bytes]) -> bytes:
    """The root over leaf hashes: an odd last one is carried up, so that the left part is the largest power of two."""
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        level = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)] + odd
    return level[0]


def bucket_of(identifier: str) -> int:
    return hashlib.sha256(identifier.encode()).digest()[0]


class Digest:
    """A set's count and root by bucket; leaves are added by bucket and id."""

    def __init__(self) -> None:
        self._trees = [Tree() for _ in range(BUCKETS)]

    def add(self, bucket: int, leaf: str) -> None:
        """`leaf`: canonical JSON."""
        self._trees[bucket].add(leaf.encode())

    def counts(self) -> list[int]:
        return [tree.size for tree in self._trees]

    def roots(self) -> list[str]:
        return [tree.root().hex() for tree in self._trees]

    def root(self) -> str:
        return over(self.roots())

    def differing(self, manifest: dict[str, Any]) -> list[int]:
        """Buckets that are not as the manifest says."""
        stated = zip(manifest["counts"], manifest["roots"], strict=True)
        mine = zip(self.counts(), self.roots(), strict=True)
        return [bucket for bucket, (one, other) in enumerate(zip(stated, mine, strict=True)) if one != other]


def over(roots: Iterable[str]) -> str:
    """The root over the roots of buckets, each of 32 octets."""
    tree = Tree()
    for root in roots:
        tree.add(bytes.fromhex(root))
    return tree.root().hex()


class SortedRuns:
    """Lines in order, however many: sorted in parts on disk, then merged."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._runs: list[IO[str]] = []

    def add(self, line: str) -> None:
        self._held.append(line)
        if len(self._held) >= SORTED_AT_ONCE:
            self._spill()

    def _spill(self) -> None:
        self._held.sort()
        run = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115 -- read in `merged`
        run.writelines(f"{line}\n" for line in self._held)
        self._runs.append(run)
        self._held = []

    def merged(self) -> Iterator[str]:
        self._held.sort()
        for run in self._runs:
            run.seek(0)
        sources: list[Iterable[str]] = [self._held, *((line[:-1] for line in run) for run in self._runs)]
        yield from heapq.merge(*sources)
        for run in self._runs:
            run.close()


# What is read


Check = Callable[[Any], bool]


def _table(text: str) -> dict[str, list[str]]:
    """By its first word, the words of each row, which goes on in lines that begin with a blank."""
    rows: dict[str, list[str]] = {}
    name = ""
    for line in text.strip().splitlines():
        words = line.split()
        if line[0] != " ":
            name, *words = words
        rows.setdefault(name, []).extend(words)
    return rows


def _members(name: str) -> list[tuple[str, str]]:
    """(member, kind) of a record."""
    found: list[tuple[str, str]] = []
    for word in _SHAPES[name]:
        member, _, kind = word.partition(":")
        found += _members(word[1:]) if word[0] == "+" else [(member, kind)]
    return found


def _text(pattern: str) -> Check:
    whole = re.compile(pattern, re.ASCII | re.DOTALL).fullmatch
    return lambda value: type(value) is str and whole(value) is not None


def _number(least: int, most: int) -> Check:
    """Python would take `true` for 1: a number's type is asked too."""
    return lambda value: type(value) is int and least <= value <= most


def _dated(name: str, read: Callable[[str], Any]) -> Check:
    """A day or a moment that the calendar has."""
    is_text = _KINDS[name]

    def check(value: Any) -> bool:
        if not is_text(value):
            return False
        try:
            read(value)
        except ValueError:
            return False
        return True

    return check


def _stated(value: Any) -> bool:
    if type(value) is list:
        return all(map(_KINDS["text"], value))
    return type(value) is bool or _KINDS["text"](value) or _KINDS["whole"](value)


def _check_of(kind: str) -> Check:
    if kind not in _KINDS:
        _KINDS[kind] = _made(kind)
    return _KINDS[kind]


def _made(kind: str) -> Check:
    if kind.endswith("?"):
        check = _check_of(kind[:-1])
        return lambda value: value is None or check(value)
    if kind.endswith("[]"):
        each = _check_of(kind[:-2])
        return lambda value: type(value) is list and all(map(each, value))
    if kind.startswith("("):
        checks = [_check_of(part) for part in kind[1:-1].split(",")]
        return lambda value: (
            type(value) is list
            and len(value) == len(checks)
            and all(check(member) for check, member in zip(checks, value, strict=True))
        )
    return _record(kind)


def _record(name: str) -> Check:
    members = _members(name)
    needed = [(member, _check_of(kind)) for member, kind in members if member[0] != "*" and member[-1] != "?"]
    others = [(member[:-1], _check_of(kind)) for member, kind in members if member[-1] == "?"]
    of_any = [(_check_of(member[1:]), _check_of(kind)) for member, kind in members if member[0] == "*"]

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return False
        found = len(needed)
        for member, is_kind in needed:
            if member not in value or not is_kind(value[member]):
                return False
        for member, is_kind in others:
            if member in value:
                if not is_kind(value[member]):
                    return False
                found += 1
        for is_name, is_kind in of_any:
            return all(is_name(member) and is_kind(given) for member, given in value.items())
        return found == len(value)

    return check


_SHAPES = _table(SHAPES)
_KINDS: dict[str, Check] = {
    **{name: _text(pattern) for name, (pattern,) in _table(TEXTS).items()},
    **{name: _number(int(least), int(most)) for name, (least, most) in _table(NUMBERS).items()},
    "bool": lambda value: type(value) is bool,
    "stated": _stated,
}
_KINDS["day"] = _dated("day", date.fromisoformat)
_KINDS["moment"] = _dated("moment", datetime.fromisoformat)


def shaped(name: str, value: Any, where: str) -> None:
    """Tells what of the value has not the shape."""
    if not _check_of(name)(value):
        raise UnreadableError("malformed", f"{where}: {_fault(name, value, name)}")


def _fault(kind: str, value: Any, path: str) -> str:
    """Which member it is, and what it had to be."""
    plain = kind.removesuffix("?")
    if isinstance(value, list) and plain.endswith("[]"):
        for place, item in enumerate(value):
            if not _check_of(plain[:-2])(item):
                return _fault(plain[:-2], item, f"{path}[{place}]")
    if isinstance(value, dict) and plain in _SHAPES:
        members = _members(plain)
        for member, kind_of_it in members:
            name = member.removesuffix("?")
            if name not in value:
                if name == member and name[0] != "*":
                    return f"{path}: {name} is not there"
            elif not _check_of(kind_of_it)(value[name]):
                return _fault(kind_of_it, value[name], f"{path}.{name}")
        unknown = sorted(set(value) - {member.removesuffix("?") for member, _ in members})
        if unknown and members[0][0][0] != "*":
            return f"{path}: {unknown[0]!r} is no member of it: take a newer verifier if there is one"
    return f"{path} is {_encode(value)[:80]}, which is no {kind}"


@dataclass(frozen=True, slots=True)
class Law:
    """A row of LIFE."""

    states: list[str]
    to: str
    epoch: str
    by: str | None
    each: str | None
    moment: str
    since: list[str]
    says: list[tuple[str, str]]


def _law(words: list[str]) -> Law:
    states, _, to, epoch, *others = words
    named = dict(word.split("=") for word in others if "=" in word)
    says = [(own, path) for own, tilde, path in (word.partition("~") for word in others) if tilde]
    since = named["since"].split(",") if "since" in named else []
    return Law(states.split(","), to, epoch, named.get("by"), named.get("each"), named.get("moment", ""), since, says)


LAWS = {name: _law(words) for name, words in _table(LIFE).items()}
_PLACES = {name: place for place, name in enumerate(LAWS)}


def _whole(text: str) -> int | float:
    """A number as it is written; one that no member can be is left to the shapes."""
    value = float(text)
    return int(text) if len(text) < 18 and text.lstrip("-").isdigit() else int(value) if value.is_integer() else value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_FAST = json.JSONDecoder(parse_float=_whole, parse_constant=_no_number)
_LONG = json.JSONDecoder(parse_int=_whole, parse_float=_whole, parse_constant=_no_number)
"""Python reads whole numbers of some thousand digits at most."""


def _read_json(text: str) -> Any:
    try:
        return _FAST.decode(text)
    except ValueError:
        return _LONG.decode(text)


def lines_of(source: IO[bytes]) -> Iterator[tuple[int, dict[str, Any], bytes]]:
    """(number, record, line) of each line."""
    number = 0
    while line := source.readline(LONGEST_LINE + 2):
        number += 1
        if len(line) > LONGEST_LINE + 1:
            raise UnreadableError("line-long", f"line {number} is longer than {LONGEST_LINE} octets")
        try:
            record = _read_json(line.decode())
        except (ValueError, OverflowError, RecursionError) as error:
            raise UnreadableError("no-json", f"line {number} is no JSON: {error}") from None
        if not isinstance(record, dict):
            raise UnreadableError("no-record", f"line {number} is no record")
        yield number, record, line


# A round's life


Event = dict[str, Any]
Body = dict[str, Any]
FAR = 10_000_000
"""After every epoch."""


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def told_of(event: Event) -> tuple[int, int, Any]:
    """Its place in the life: epoch, the event's own, and what tells several of them apart."""
    name, body = event["event"], event["body"]
    law = LAWS[name]
    epoch = FAR if law.epoch == "end" else body.get("epoch") or 0
    return epoch, _PLACES[name], body[law.each] if law.each else 0


def _is_leading(event: Event, epoch: int) -> bool:
    until = epoch - 1 if event["event"] == "ReleaseOpened" else epoch
    return event["event"] in LEADING and (event["body"].get("epoch") or 0) <= until


def misplaced(events: Sequence[Event], later: Sequence[Event], epoch: int) -> Iterator[tuple[str, str]]:
    """What does not stand where the format has it, stands twice, or is of an epoch it can't be of."""
    seen: set[tuple[int, int, Any]] = set()
    last: tuple[int, int, Any] | None = None
    for event in events:
        name, place = event["event"], told_of(event)
        if not _is_leading(event, epoch):
            yield "event-place", f"{name} of epoch {place[0]} has no place before the proposal of epoch {epoch}"
        elif place in seen:
            yield "event-twice", f"{name} of epoch {place[0]} stands twice"
        elif last is not None and place < last:
            yield "event-order", f"{name} of epoch {place[0]} stands after what it comes before"
        seen.add(place)
        last = place if last is None else max(last, place)
    order: tuple[Any, ...] = ()
    for event in later:
        name, place, body = event["event"], told_of(event), event["body"]
        stands = (body.get("epoch") or 0, body.get("batch") or 0, name, json_hash(body))
        if _is_leading(event, epoch):
            yield "event-place", f"{name} of epoch {place[0]} stands behind the entries, and led to the proposal"
        elif place in seen:
            yield "event-twice", f"{name} of epoch {place[0]} stands twice"
        elif order and stands < order:
            yield "event-order", f"{name} of epoch {place[0]} stands after what it comes before"
        seen.add(place)
        order = max(order, stands)


class Life:
    """All that was published of the round, held against LIFE."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = sorted(events, key=told_of)
        self._found: dict[tuple[str, int, Any], Body] = {}
        for event in self.events:
            epoch, _, each = told_of(event)
            self._found.setdefault((event["event"], epoch, each), event["body"])
        amended = [event["body"] for event in self.events if event["event"] == "RoundAmended"]
        self.terms: Body = amended[-1] if amended else self.one("RoundAnnounced", 0) or {}

    def one(self, name: str, epoch: int, each: Any = 0) -> Body | None:
        return self._found.get((name, epoch, each))

    def all(self, name: str) -> dict[int, Body]:
        """By epoch."""
        return {epoch: body for (event, epoch, _), body in self._found.items() if event == name}

    def released(self) -> list[Body]:
        """Every ReleaseOpened."""
        return [event["body"] for event in self.events if event["event"] == "ReleaseOpened"]

    def set_of(self, epoch: int) -> Body | None:
        """What fixed the set of an epoch."""
        return self.one("RoundFrozen", 1) if epoch == 1 else self.one("EpochOpened", epoch)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Which events stand where the round's life has no place for them, and what they must equal."""
        state, opened = "unknown", 1
        for event in self.events:
            name, body = event["event"], event["body"]
            law, epoch = LAWS[name], body.get("epoch") or 0
            about = f"{name} of epoch {epoch}" if epoch else name
            right = {"none": epoch == 0, "end": epoch == 0, "first": epoch == 1, "later": epoch == opened + 1}
            if not right.get(law.epoch, epoch == opened):
                yield "event-epoch", f"{about} follows on epoch {opened}"
            if state not in law.states and law.states != ["*"]:
                yield "event-state", f"{about} comes where the round is {state}"
            state = state if law.to == "same" else law.to
            opened = epoch if name == "EpochOpened" else opened
            if law.by and not acted(law.by, body["actors"]):
                yield "by-whom", f"{about} is no act of {law.by}"
            yield from self._agreeing(about, name, body)
            yield from self._in_time(about, name, body)

    def _other(self, which: str, body: Body) -> Body | None:
        epoch, batch = body.get("epoch") or 0, body.get("batch") or 0
        if which == "terms":
            return self.terms
        if which == "set":
            return self.set_of(epoch)
        law = LAWS[which]
        of = {"none": 0, "first": 1}.get(law.epoch, epoch)
        return self.one(which, of, batch if law.each == "batch" else 0)

    def _agreeing(self, about: str, name: str, body: Body) -> Iterator[tuple[str, str]]:
        for own, path in LAWS[name].says:
            which, _, member = path.partition(".")
            other = self._other(which, body)
            if other is not None and canonical(_member(body, own)) != canonical(_member(other, member)):
                yield "disagrees", f"{about} says another {own} than {which}"

    def _in_time(self, about: str, name: str, body: Body) -> Iterator[tuple[str, str]]:
        law = LAWS[name]
        for which in law.since:
            if which in body:
                before = [body[which]]
            elif which == "before":
                earlier = self.set_of(body["epoch"] - 1)
                before = [earlier.get("opened_at") or earlier["frozen_at"]] if earlier else []
            elif which in ("ScoresClosed", "SourceValueRecorded"):
                moments = {epoch: body[LAWS[which].moment] for epoch, body in self.all(which).items()}
                before = [at for epoch, at in sorted(moments.items()) if epoch <= body["epoch"]]
            else:
                other = self._other(which, body)
                named = which if which != "set" else "RoundFrozen" if body["epoch"] == 1 else "EpochOpened"
                before = [other[LAWS[named].moment]] if other else []
            if any(moment(earlier) > moment(body[law.moment]) for earlier in before):
                yield "time", f"{about} states {law.moment} {body[law.moment]}, which is before {which}"


def _member(body: Body, path: str) -> Any:
    value: Any = body
    for name in path.split("."):
        value = value.get(name)
    return value or None


def acted(by: str, actors: list[dict[str, Any]]) -> bool:
    """Whether it is an act of two officers, of the clock, or of who may announce: the clock, an officer, or two."""
    clock = [actor["role"] for actor in actors] == ["system"]
    officer = [actor["role"] for actor in actors] == ["officer"]
    return (
        ("clock" in by.split("-") and clock)
        or ("officers" in by.split("-") and two_officers(actors))
        or (by == "announcers" and (clock or officer or two_officers(actors)))
    )


UNSEEN = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2800\\u3164\\ufe00-\\ufe0f\\uffa0\\U000e0000-\\U000e0fff]"
)
"""Letters and marks that Unicode has as not shown (Default_Ignorable_Code_Point), and the blank of Braille."""


def two_officers(actors: list[dict[str, Any]]) -> bool:
    """Two persons, both officers: one under two spellings is one."""
    return len({spelled(actor["name"]) for actor in actors}) == len(actors) == 2 and all(
        actor["role"] == "officer" for actor in actors
    )


def spelled(name: str) -> str:
    """What is left of a name without capitals, widths, blanks and signs that don't show."""
    plain = UNSEEN.sub("", unicodedata.normalize("NFKC", name).lower())
    return "".join(sign for sign in plain if unicodedata.category(sign) not in ("Zs", "Zl", "Zp", "Cc", "Cf"))


def unsound(life: Life, version: int) -> Iterator[tuple[str, str]]:
    """What of the announcement, the window, the manifests and the counts does not fit together."""
    closes_at = None
    amendment = 0
    for event in life.events:
        name, body = event["event"], event["body"]
        if name in ("RoundAnnounced", "RoundAmended", "RoundOpened"):
            if moment(body["opens_at"]) >= moment(body["closes_at"]):
                yield "window", f"{name} has a window that closes before it opens"
            closes_at = body["closes_at"]
        if name in ("RoundAnnounced", "RoundAmended"):
            yield from _announcement_faults(name, body, version)
        if name == "RoundAmended":
            amendment += 1
            if body["amendment"] != amendment:
                yield "amendment", f"amendment {amendment} is not there"
        if name == "RoundExtended":
            if body["closed_at_before"] != closes_at or moment(body["closes_at"]) <= moment(body["closed_at_before"]):
                yield "extension", f"the close is moved to {body['closes_at']}, and was {closes_at}"
            closes_at = body["closes_at"]
        if name == "RoundFrozen":
            if body["closes_at"] != closes_at:
                yield "extension", f"it was frozen for the close {body['closes_at']}, which was {closes_at}"
            if version > 1 and body.get("pledges") is None:
                yield "version", "RoundFrozen states no pledges, as this version of the format has it"
        for member in ("applications", "requests", "verdicts"):
            if isinstance(body.get(member), dict):
                yield from _manifest_faults(f"{member} of {name}", body[member])
        yield from _count_faults(life, name, body, version)
        yield from _epoch_faults(life, name, body)
        yield from _batch_faults(life, name, body)
    named = Counter(identifier for body in life.released() for identifier in _set_free(body))
    for identifier in sorted(identifier for identifier, times in named.items() if times > 1):
        yield "batch-named", f"{identifier} is set free in two batches"


def _set_free(opened: Body) -> list[str]:
    return [leaver["application"] for leaver in opened["leaving"]] + [
        cancelled["request"] for cancelled in opened["cancelled"]
    ]


def _announcement_faults(name: str, body: Body, version: int) -> Iterator[tuple[str, str]]:
    root, pledges = body.get("announcement_root"), body.get("pledges")
    if root is None or pledges is None:
        if version > 1 or root is not None:
            yield "version", f"{name} has no announcement_root or no pledges, as this version of the format has them"
        return
    stated = {member: body.get(member) for member in ANNOUNCED} | {"unattended": bool(body.get("unattended"))}
    if root != json_hash(stated | {"pledges": [[pledge["institution"], pledge["pledge_won"]] for pledge in pledges]}):
        yield "announcement-root", f"the announcement_root of {name} is not of what it announces"


def _manifest_faults(what: str, manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    counts, roots = manifest["counts"], manifest["roots"]
    if len(counts) != BUCKETS or len(roots) != BUCKETS:
        raise UnreadableError("malformed", f"the manifest of {what} has not {BUCKETS} buckets")
    if manifest["count"] != sum(counts) or manifest["root"] != over(roots):
        yield "manifest-sum", f"the manifest of {what} is not the sum of its buckets"


def _count_faults(life: Life, name: str, body: Body, version: int) -> Iterator[tuple[str, str]]:
    if name == "EligibilityCompleted" and body["eligible"] + body["ineligible"] != body["verdicts"]["count"]:
        yield "counts", f"eligible and ineligible of epoch {body['epoch']} are not all that were judged"
    if name == "InputsCommitted":
        first = min(life.all(name))
        if (body.get("seed_epoch") or body["epoch"]) != first:
            yield "seed-epoch", f"the seed is of the first commitment, epoch {first}, not of {body.get('seed_epoch')}"
        if body["pledges_root"] != life.all(name)[first]["pledges_root"]:
            yield "pledges-moved", f"the pledges of epoch {body['epoch']} are not those committed first"
        if body["epoch"] == first and body.get("supplementary"):
            yield "supplementary-count", "nobody draws apart under the first commitment"
        if not _panel_closed(life, body["epoch"]):
            yield "not-closed", f"nobody closed the panel's marks before the commitment of epoch {body['epoch']}"
    if name == "SelectionProposed":
        committed = life.one("InputsCommitted", body["epoch"])
        if committed and body["selected"] + body["reserve"] + body["not_selected"] != committed["entries"]:
            yield "counts", f"the results proposed in epoch {body['epoch']} are not as many as entries"
        drawn = committed and (body["epoch"] == min(life.all("InputsCommitted")) or committed.get("supplementary"))
        if drawn and life.one("SourceValueRecorded", body["epoch"]) is None:
            yield "no-seed", f"the proposal of epoch {body['epoch']} has no value that decided it"
        if version > 1 and body.get("shown_root") is None:
            yield "version", f"SelectionProposed of epoch {body['epoch']} has no shown_root"


def _panel_closed(life: Life, epoch: int) -> bool:
    """Whether marks were closed since the epoch that last admitted somebody, if a panel gives any."""
    opened = life.one("RoundOpened", 0)
    if opened is None or not (opened["policy"].get("scoring") or {}).get("panel_points"):
        return True
    admitted = [of for of, body in life.all("EpochOpened").items() if of <= epoch and body.get("admitted")]
    closed = [of for of in life.all("ScoresClosed") if of <= epoch]
    return max(closed, default=0) >= max(admitted, default=1)


def _epoch_faults(life: Life, name: str, body: Body) -> Iterator[tuple[str, str]]:
    """What an epoch's act can't have moved: it admits somebody, has some judged again, or takes out who is parked."""
    if name not in ("EpochOpened", "EligibilityCompleted"):
        return
    epoch = body["epoch"]
    opened, before = life.one("EpochOpened", epoch), life.set_of(epoch - 1)
    if opened is None or before is None:
        return
    admitted, again = opened.get("admitted") or [], opened["judge_again"]
    amended = [amendment["application"] for amendment in opened.get("amended") or []]
    moved = _moved(before["applications"], opened["applications"])
    if name == "EligibilityCompleted":
        completed = life.one("EligibilityCompleted", epoch - 1)
        judged = _moved(completed["verdicts"], body["verdicts"]).keys() if completed else set()
        if not opened.get("judge_all") and judged - moved.keys() - set(map(bucket_of, again)):
            yield "verdicts-moved", f"verdicts of epoch {epoch} are others, and nobody judged them again"
        return
    if any(named != sorted(set(named)) for named in (admitted, again)) or not {*admitted, *amended} <= {*again}:
        yield (
            "judge-again",
            f"who epoch {epoch} judges again stands in no order, or is not all it admits and amends",
        )
    if opened.get("supplementary_source") and not admitted:
        yield "supplementary", f"epoch {epoch} names a source to draw from and admits nobody"
    if admitted:
        right = moved == Counter(map(bucket_of, admitted))
    elif any(moved.values()) or not (again or opened.get("judge_all")):
        right = _taken_out(life, opened, moved)
    else:
        right = moved.keys() == set(map(bucket_of, amended))
    if not right:
        yield "set-moved", f"the set of epoch {epoch} is not that of the epoch before and what its act did to it"


def _taken_out(life: Life, opened: Body, moved: dict[int, int]) -> bool:
    """Whether the epoch took out who was parked, one alone or all that stood against who is judged again: nothing is
    completed before. Others of the same firm may have another version then."""
    out = -sum(moved.values())
    was_parked = life.one("EligibilityCompleted", opened["epoch"] - 1) is None
    alone = not (opened.get("judge_all") or opened.get("amended")) and max(moved.values(), default=1) <= 0
    return was_parked and alone and (out == 1 or (out > 1 and bool(opened["judge_again"])))


def _moved(before: dict[str, Any], after: dict[str, Any]) -> dict[int, int]:
    """By how many the buckets grew that are not as they were."""
    stated = zip(before["counts"], before["roots"], after["counts"], after["roots"], strict=True)
    return {bucket: now - was for bucket, (was, root, now, other) in enumerate(stated) if (was, root) != (now, other)}


def _batch_faults(life: Life, name: str, body: Body) -> Iterator[tuple[str, str]]:
    """Batches are opened one after another, each once that before it is proposed, and confirmed as proposed."""
    epoch, batch = body.get("epoch", 0), body.get("batch", 0)
    if name == "ReleaseOpened" and batch > 1:
        before = life.one("ReleaseProposed", epoch, batch - 1)
        if before is None:
            yield "batch-opened", f"batch {batch} of epoch {epoch} is opened, and that before it was not proposed"
        elif moment(before["proposed_at"]) > moment(body["opened_at"]):
            yield "time", f"batch {batch} of epoch {epoch} is opened before that before it was proposed"
    if name == "ReleaseProposed" and life.one("ReleaseOpened", epoch, batch) is None:
        yield "batch-opened", f"batch {batch} of epoch {epoch} is proposed and was not opened"
    if name in ("SelectionConfirmed", "ReleaseConfirmed"):
        proposed = life.one("ReleaseProposed", epoch, batch) or {}
        if bool(batch) != bool(proposed) or body.get("batch_root") != proposed.get("batch_root"):
            yield "batch-confirmed", f"{name} of epoch {epoch} is of a batch or root that nobody proposed"


@dataclass
class Turns:
    """What was published of the round up to the proposal, and what follows from it."""

    life: Life
    opened: Body
    frozen: Body
    """RoundFrozen, or the EpochOpened of the bundle's epoch."""
    completed: Body
    committed: dict[int, Body]
    values: dict[int, Body]
    proposed: Body
    scores_closed: Body | None
    epoch: int

    @property
    def policy(self) -> dict[str, Any]:
        policy: dict[str, Any] = self.opened["policy"]
        return policy

    @property
    def commitment(self) -> Body:
        return self.committed[self.epoch]

    def has_all(self) -> bool:
        """True if nobody was taken out since the freeze: all applications of earlier epochs are in the set."""
        epochs = self.life.all("EpochOpened").values()
        admitted = sum(len(body.get("admitted") or ()) for body in epochs if body["epoch"] <= self.epoch)
        first: int = self.life.all("RoundFrozen")[1]["applications"]["count"]
        return bool(self.frozen["applications"]["count"] == first + admitted)

    def seeds(self) -> dict[int, str]:
        """By the epoch of the commitment and the value they are of."""
        return {
            epoch: sha256_hex(f"firstbuy-seed-v1:{self.committed[epoch]['commitment_root']}:{value['value']}".encode())
            for epoch, value in self.values.items()
            if epoch in self.committed
        }


def turns_of(events: list[Event], epoch: int) -> Turns:
    """The events that the proposal of an epoch rests on. Raises UnreadableError where one is not there."""
    life = Life(events)

    def needed(name: str, of: int) -> Body:
        body = life.one(name, of)
        if body is None:
            raise UnreadableError("lacks-event", f"it lacks an event of the round: {name} of epoch {of}")
        return body

    for name in ("RoundAnnounced", "RoundOpened"):
        needed(name, 0)
    needed("RoundFrozen", 1)
    for of in range(2, epoch + 1):
        needed("EpochOpened", of)
    closed = life.all("ScoresClosed")
    return Turns(
        life,
        needed("RoundOpened", 0),
        needed("RoundFrozen" if epoch == 1 else "EpochOpened", epoch),
        needed("EligibilityCompleted", epoch),
        {epoch: needed("InputsCommitted", epoch)} | life.all("InputsCommitted"),
        life.all("SourceValueRecorded"),
        needed("SelectionProposed", epoch),
        closed[max(closed)] if closed else None,
        epoch,
    )


# When a value was due


ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def first_due(committed_at: str, lead_seconds: int, sources: list[dict[str, Any]]) -> datetime:
    """When the value of the last of `sources` is due: of the first at its first drawing a lead after the commitment,
    of each other at its first drawing once the one before has failed."""
    second = int((moment(committed_at) - ZERO) / timedelta(seconds=1)) + 1 + lead_seconds
    for number, source in enumerate(sources, start=1):
        began = int(moment(source["anchor"]).timestamp()) if source.get("anchor") else 0
        second = began - (began - second) // source["period_seconds"] * source["period_seconds"]
        if number < len(sources):
            second += source.get("fails_after_seconds") or source["period_seconds"]
    return ZERO + timedelta(seconds=second)


def written_as_drawn(value: str) -> bool:
    """As RFC 3797 §4.1 writes what a lottery drew: ascending numbers, `.` behind each, `/` behind each list."""
    *lists, end = value.split("/")
    if end or not all(re.fullmatch(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8}))*\.", numbered) for numbered in lists):
        return False
    return all(
        numbers == sorted(numbers)
        for numbered in lists
        for numbers in [[int(each) for each in numbered.split(".")[:-1]]]
    )


def rehearsed(seed: str, what: str) -> str:
    """Six numbers of 1 to 45 from the rehearsal's announced seed, ascending."""
    numbers: list[int] = []
    turn = 0
    while len(numbers) < 6:
        digest = hashlib.sha256(f"{seed}:{what}:{turn}".encode()).digest()
        number = int.from_bytes(digest, "big") % 45 + 1
        if number not in numbers:
            numbers.append(number)
        turn += 1
    return "".join(f"{number}." for number in sorted(numbers)) + "/"


# Patterns of certificate numbers


class SlowPatternError(ValueError):
    """It is not of what the format has, or could be tried in too many ways."""


_BOUNDS = re.compile(r"\{([0-9]{1,4})(,([0-9]{0,4}))?\}")


class Ways:
    """In how many ways a pattern can be tried on the longest number. Policies are announced only with patterns of at
    most MOST_WAYS: one with more was never announced, and would not be done."""

    def __init__(self, pattern: str) -> None:
        self._text, self._at = pattern, 0

    def count(self) -> int:
        ways, _ = self._alternatives()
        if self._at < len(self._text):
            raise SlowPatternError
        return ways

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _alternatives(self) -> tuple[int, int]:
        """(ways, least characters)."""
        ways, least = self._sequence()
        while self._peek() == "|":
            self._at += 1
            more, shorter = self._sequence()
            ways, least = _bounded(ways + more), min(least, shorter)
        return ways, least

    def _sequence(self) -> tuple[int, int]:
        ways, least = 1, 0
        while (sign := self._peek()) and sign not in "|)":
            more, longer = self._repeated(*self._atom())
            ways, least = _bounded(ways * more), least + longer
        return ways, least

    def _atom(self) -> tuple[int, int]:
        sign = self._peek()
        self._at += 1
        if sign == "(":
            if self._peek() == "?":
                if self._text[self._at : self._at + 2] != "?:":
                    raise SlowPatternError
                self._at += 2
            inner = self._alternatives()
            if self._peek() != ")":
                raise SlowPatternError
            self._at += 1
            return inner
        if sign in "^$":
            return 1, 0
        if sign in "*+?{}]":
            raise SlowPatternError
        if sign == "[":
            self._class()
        elif sign == "\\":
            self._escape()
        return 1, 1

    def _class(self) -> None:
        if self._peek() == "^":
            self._at += 1
        first = self._at
        while (sign := self._peek()) != "]" or self._at == first:
            if not sign or sign in "[]":
                raise SlowPatternError
            self._at += 1
            if sign in "-&|~" and self._peek() == sign:
                raise SlowPatternError
            if sign == "\\":
                self._escape()
        self._at += 1

    def _escape(self) -> None:
        sign = self._peek()
        if not sign or sign not in "dws" + r"""\.^$*+?{}[]()|-/"'#&~@!%,:;<=>_ """:
            raise SlowPatternError
        self._at += 1

    def _repeated(self, ways: int, least: int) -> tuple[int, int]:
        bounds = self._repetition()
        if bounds is None:
            return ways, least
        low, high = bounds
        if least == 0 or low > high or self._peek() in tuple("?*+{"):
            raise SlowPatternError
        most = max(low, min(high, LONGEST_NUMBER // least))
        total, power = 0, 1
        for times in range(most + 1):
            if times >= low:
                total = _bounded(total + power)
            power = _bounded(power * ways) if times < most else power
        return total, least * low

    def _repetition(self) -> tuple[int, int] | None:
        sign = self._peek()
        if sign and sign in "?*+":
            self._at += 1
            return {"?": (0, 1), "*": (0, LONGEST_NUMBER), "+": (1, LONGEST_NUMBER)}[sign]
        if sign != "{":
            return None
        found = _BOUNDS.match(self._text, self._at)
        if found is None:
            raise SlowPatternError
        self._at = found.end()
        low, ranged, high = int(found[1]), found[2], found[3]
        return low, (int(high) if high else LONGEST_NUMBER) if ranged else low


def _bounded(ways: int) -> int:
    if ways > MOST_WAYS:
        raise SlowPatternError
    return ways


def pattern_of(kind: dict[str, Any]) -> re.Pattern[str]:
    try:
        Ways(kind["number_pattern"]).count()
        return re.compile(kind["number_pattern"], re.ASCII)
    except (SlowPatternError, re.error, RecursionError, OverflowError):
        raise UnreadableError(
            "pattern", f"the number_pattern of {kind['kind']} is none of the patterns that the format has"
        ) from None


# Matching, in draw order


class Request:
    """A purchase request and what is left of it."""

    __slots__ = ("budget", "dearest", "institution", "quantity", "record", "standing", "tie")

    def __init__(self, record: dict[str, Any], pledge: int) -> None:
        self.record = record
        self.institution: str = record["institution"]
        self.quantity: int = record["quantity"]
        self.budget: int = record["budget_won"]
        ceiling = record["price_ceiling_won"]
        self.dearest = min(self.budget if ceiling is None else ceiling, self.budget, pledge)
        self.tie = hashlib.sha256(record["request"].encode()).digest()
        self.standing = (-self.budget, self.tie)

    def give(self, units: int, won: int) -> None:
        self.quantity -= units
        self.budget -= won
        self.standing = (-self.budget, self.tie)


class AtLeast:
    """Which of these numbers are at least so much. Such a set is one number: bit n is the nth."""

    def __init__(self, numbers: list[int]) -> None:
        self._places = sorted(range(len(numbers)), key=numbers.__getitem__)
        self._numbers = [numbers[place] for place in self._places]
        self._step = len(numbers) // BLOCKS + 1
        self._from = [0]
        for end in range(len(numbers) // self._step * self._step + self._step, 0, -self._step):
            self._from.append(self._from[-1] | bits_of(self._places[end - self._step : end]))
        self._from.reverse()

    def bits(self, least: int) -> int:
        first = bisect_left(self._numbers, least)
        block = -(-first // self._step)
        return self._from[block] | bits_of(self._places[first : block * self._step])


def bits_of(places: Sequence[int]) -> int:
    if not places:
        return 0
    octets = bytearray(max(places) // 8 + 1)
    for place in places:
        octets[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(octets, "little")


class Index:
    """Requests in some order, each with the dearest price it takes: which of them meet an offer, as bits."""

    def __init__(self, requests: list[Request], prices: list[int]) -> None:
        self.requests = requests
        self._prices = AtLeast(prices)
        days = [request.record["delivery_days_at_most"] for request in requests]
        self._days = AtLeast([LONGEST_DELIVERY if day is None else day for day in days])
        self._places: dict[tuple[str, str | None], list[int]] = {}
        for place, request in enumerate(requests):
            for kind in request.record["certificate_kinds"] or [None]:
                self._places.setdefault(("kind", kind), []).append(place)
            self._places.setdefault(("region", request.record["region"]), []).append(place)
            self._places.setdefault(("institution", request.institution), []).append(place)
        self._kept: dict[tuple[str, str | None], int] = {}

    def meeting(self, entry: dict[str, Any]) -> int:
        found = self._prices.bits(entry["price_won"]) & self._days.bits(entry["delivery_days"])
        if entry["regions"]:
            found &= self._any("region", entry["regions"])
        return found & self._any("kind", entry["certificates"])

    def of(self, what: str, name: str | None) -> int:
        key = (what, name)
        if key not in self._places:
            return 0
        if key not in self._kept:
            if len(self._kept) * len(self.requests) > KEPT_AT_ONCE:
                self._kept.clear()
            self._kept[key] = bits_of(self._places[key])
        return self._kept[key]

    def _any(self, what: str, names: Iterable[str]) -> int:
        """With those that ask for nothing of the kind."""
        found = self.of(what, None)
        for name in names:
            found |= self.of(what, name)
        return found


class Shelf:
    """The requests of a class, most money left first. Those bought of since they were put in order stand apart; once
    that, or an institution without the money, was met often, all are put in order again."""

    def __init__(self, pledges: dict[str, int]) -> None:
        self._pledges = pledges
        self._requests: list[Request] = []
        self._at_first: Index | None = None
        self._in_order: Index | None = None
        self._place: dict[Request, int] = {}
        self._untouched = 0
        self._touched: list[Request] = []
        self._fresh: set[Request] = set()
        self._changes = 0

    def ask(self, request: Request) -> None:
        self._requests.append(request)

    def bought(self, request: Request) -> None:
        self._fresh.add(request)

    def wanted(self, entry: dict[str, Any]) -> bool:
        """True if a request met it at first."""
        if self._at_first is None:
            self._at_first = Index(self._requests, [request.dearest for request in self._requests])
        return self._at_first.meeting(entry) != 0

    def suiting(self, entry: dict[str, Any]) -> Iterator[Request]:
        """Those it can sell to, most money left first, ties by the request's hash."""
        self._changes += len(self._fresh)
        if self._in_order is None or self._changes**2 > 16 * len(self._requests) + CHANGES_AT_LEAST**2:
            self._in_order = self._ordered()
        elif self._fresh:
            for request in self._fresh:
                self._untouched &= ~(1 << self._place[request])
            self._touched = [request for request in self._touched if request not in self._fresh]
            for request in self._fresh:
                if request.quantity:
                    insort(self._touched, request, key=lambda asked: asked.standing)
            self._fresh.clear()
        price = entry["price_won"]
        touched = (
            request
            for request in self._touched
            if price <= min(request.dearest, request.budget) and _meets(entry, request.record)
        )
        return heapq.merge(self._unsold(self._in_order, entry), touched, key=lambda request: request.standing)

    def _unsold(self, index: Index, entry: dict[str, Any]) -> Iterator[Request]:
        bits = index.meeting(entry) & self._untouched
        while bits:
            request = index.requests[(bits & -bits).bit_length() - 1]
            if self._pledges[request.institution] < entry["price_won"]:
                self._changes += 1
                bits &= ~index.of("institution", request.institution)
            else:
                bits &= bits - 1
                yield request

    def _ordered(self) -> Index:
        left = sorted((request for request in self._requests if request.quantity), key=lambda request: request.standing)
        self._place = {request: place for place, request in enumerate(left)}
        self._untouched = (1 << len(left)) - 1
        self._touched, self._changes = [], 0
        self._fresh.clear()
        return Index(
            left, [min(request.dearest, request.budget, self._pledges[request.institution]) for request in left]
        )


def _meets(entry: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Every condition but the price."""
    days, region, kinds = asked["delivery_days_at_most"], asked["region"], asked["certificate_kinds"]
    return (
        (days is None or entry["delivery_days"] <= days)
        and (region is None or not entry["regions"] or region in entry["regions"])
        and (not kinds or not set(kinds).isdisjoint(entry["certificates"]))
    )


class Limit:
    """Places, products of a firm and reserve, of the round or of a track."""

    def __init__(self, stated: dict[str, Any]) -> None:
        self.places, self.of_firm, self.reserve = (
            stated.get(name) for name in ("places", "selections_per_firm", "reserve")
        )
        self.selected = self.reserved = 0
        self.firms: Counter[int] = Counter()

    def select(self, firm: int) -> None:
        self.selected += 1
        self.firms[firm] += 1

    def full(self) -> bool:
        return self.places is not None and self.selected >= self.places

    def firm_full(self, firm: int) -> bool:
        return self.of_firm is not None and self.firms[firm] >= self.of_firm

    def reserve_full(self) -> bool:
        return self.reserve is not None and self.reserved >= self.reserve


class Matching:
    """In draw order each product takes the requests it meets, most money left first, ties by the request's hash."""

    def __init__(self, policy: dict[str, Any], pledges: Mapping[str, int]) -> None:
        self._pledges = dict(pledges)
        self._shelves: dict[str, Shelf] = {}
        self._named: dict[str, Request] = {}
        self._requests_at_most: int = policy["limits"]["requests_per_product"]
        self._pledged = sorted(pledges)
        self._round = Limit(policy["limits"])
        self._tracks = {track["track"]: Limit(track["limits"]) for track in policy["tracks"] if track.get("limits")}
        self._reserve = 0

    def ask(self, record: dict[str, Any]) -> None:
        """Once, however often it stands."""
        if record["request"] in self._named:
            return
        request = Request(record, self._pledges.setdefault(record["institution"], 0))
        self._named[record["request"]] = request
        self._shelves.setdefault(record["class_code"], Shelf(self._pledges)).ask(request)

    def place(self, entry: dict[str, Any]) -> tuple[str, str | None, int | None, list[list[Any]]]:
        """Result, reason, place in the reserve, awards as `[request, quantity, won]`."""
        firm, limits = entry["firm"], self._over(entry)
        awards = self._bought(entry, limits)
        if awards:
            return "selected", None, None, awards
        shelf = self._shelves.get(entry["class_code"])
        if shelf is None or not shelf.wanted(entry):
            return "not-selected", "no-demand", None, []
        if any(limit.firm_full(firm) for limit in limits):
            return "not-selected", "firm-limit", None, []
        if any(limit.reserve_full() for limit in limits):
            return "not-selected", "reserve-full", None, []
        for limit in limits:
            limit.reserved += 1
        self._reserve += 1
        return "reserve", None, self._reserve, []

    def hold(self, entry: dict[str, Any], awards: list[list[Any]]) -> None:
        """Takes out what a product has already, and the place it has with it."""
        for limit in self._over(entry):
            limit.select(entry["firm"])
        for identifier, units, won in awards:
            self._give(self._named[identifier], units, won)

    def more(self, entry: dict[str, Any], held: list[list[Any]]) -> list[list[Any]]:
        """What a product has after its turn in a batch; one that holds an award still has its place."""
        return held + self._buy(entry, held) if held else self._bought(entry, self._over(entry))

    def state(self) -> dict[str, list[list[Any]]]:
        """What is left of each pledge and each request, by id."""
        return {
            "pledges": [[institution, self._pledges[institution]] for institution in self._pledged],
            "requests": sorted([name, request.quantity, request.budget] for name, request in self._named.items()),
        }

    def _over(self, entry: dict[str, Any]) -> list[Limit]:
        own = self._tracks.get(entry["track"])
        return [self._round, own] if own else [self._round]

    def _bought(self, entry: dict[str, Any], limits: list[Limit]) -> list[list[Any]]:
        """Within the limits it stands under."""
        if any(limit.full() or limit.firm_full(entry["firm"]) for limit in limits):
            return []
        awards = self._buy(entry, [])
        if awards:
            for limit in limits:
                limit.select(entry["firm"])
        return awards

    def _give(self, request: Request, units: int, won: int) -> None:
        request.give(units, won)
        self._pledges[request.institution] -= won
        self._shelves[request.record["class_code"]].bought(request)

    def _buy(self, entry: dict[str, Any], held: list[list[Any]]) -> list[list[Any]]:
        """From requests it holds nothing of, with the capacity it has left."""
        price, shelf = entry["price_won"], self._shelves.get(entry["class_code"])
        capacity, theirs = entry["capacity"] - sum(units for _, units, _ in held), {name for name, _, _ in held}
        awards: list[list[Any]] = []
        if shelf is None:
            return awards
        for request in shelf.suiting(entry):
            if capacity <= 0 or len(held) + len(awards) >= self._requests_at_most:
                break
            units = min(capacity, request.quantity, min(request.budget, self._pledges[request.institution]) // price)
            if units > 0 and request.record["request"] not in theirs:
                capacity -= units
                self._give(request, units, units * price)
                awards.append([request.record["request"], units, units * price])
        return awards


# Releases, after the proposal


class Releases:
    """Batches that give out what was set free: who leaves, and requests cancelled, by exactly what officers named."""

    def __init__(self, policy: dict[str, Any], pledges: dict[str, int]) -> None:
        self._policy, self._pledges = policy, pledges
        self._requests: list[dict[str, Any]] = []
        self._places = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115 -- while it lives
        self._awards: dict[str, list[list[Any]]] = {}
        self._left: set[str] = set()
        self._cancelled: set[str] = set()

    def ask(self, record: dict[str, Any]) -> None:
        self._requests.append(record)

    def place(self, entry: dict[str, Any], result: str, awards: list[list[Any]]) -> None:
        """In draw order, as the proposal has them: who is selected, and who is in reserve."""
        if result == "not-selected":
            return
        names = ("application", "firm", "track", "class_code", "price_won", "capacity", "delivery_days", "regions")
        self._places.write(_encode({name: entry[name] for name in (*names, "certificates")}) + "\n")
        if awards:
            self._awards[entry["application"]] = awards

    def give_out(self, opened: dict[str, Any]) -> tuple[str, str, list[int]]:
        """The batch's root, the hash of the state before it, and how many it promoted, changed and withdrew."""
        leaving = {leaver["application"]: leaver["cause"] for leaver in opened["leaving"]}
        self._cancelled |= {cancelled["request"] for cancelled in opened["cancelled"]}
        matching = Matching(self._policy, self._pledges)
        for record in self._requests:
            if record["request"] not in self._cancelled:
                matching.ask(record)
        for entry in self._standing():
            held = self._kept(entry, leaving)
            if held:
                matching.hold(entry, held)
        state = json_hash(matching.state())
        tree, counts, after = Tree(), [0, 0, 0], dict(self._awards)
        for entry in self._standing():
            identifier, had, held = entry["application"], self._awards.get(entry["application"], []), []
            if identifier not in leaving:
                held = self._kept(entry, leaving)
                if had and held == had:
                    continue
                held = matching.more(entry, held)
                if held == had:
                    continue
            counts[2 if not held else 1 if had else 0] += 1
            after[identifier] = held
            left = leaving.get(identifier)
            result = "not-selected" if left else "selected" if held else "reserve"
            tree.add(canonical([identifier, result, left, held]))
        self._awards = after
        self._left |= leaving.keys()
        return tree.root().hex(), state, counts

    def _standing(self) -> Iterator[dict[str, Any]]:
        self._places.seek(0)
        for line in self._places:
            entry: dict[str, Any] = json.loads(line)
            if entry["application"] not in self._left:
                yield entry

    def _kept(self, entry: dict[str, Any], leaving: dict[str, str]) -> list[list[Any]]:
        if entry["application"] in leaving:
            return []
        return [award for award in self._awards.get(entry["application"], []) if award[0] not in self._cancelled]


# What the auditor's depth opens


def last_day(start: date, years: int) -> date:
    """The anniversary, included; of 29 February, 28 February where the year has no such day."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        if start.year + years > date.max.year:
            return date.max
        return date(start.year + years, 2, 28)


class Judging:
    """What of tickets, offers and outcomes follows from facts and findings under the policy."""

    def __init__(self, policy: dict[str, Any], policy_hash: str) -> None:
        self._policy = policy
        self._policy_hash = policy_hash
        self._as_of = date.fromisoformat(policy["as_of"])
        self._kinds = {kind["kind"]: kind for kind in policy["certificates"]}
        self._patterns = {kind["kind"]: pattern_of(kind) for kind in policy["certificates"]}
        self._tracks = {track["track"]: track for track in policy["tracks"]}

    def faults(self, entry: dict[str, Any], opened: dict[str, Any], epoch: int) -> Iterator[tuple[str, str]]:
        """(check, what is wrong) of an entry against what is opened of it."""
        facts, findings, nonce = opened["facts"], opened["findings"], opened["nonce"]
        if sha256_hex(bytes.fromhex(nonce) + canonical(facts)) != entry["payload_hash"]:
            yield "payload-hash", "payload_hash is not of these facts"
        hashed = {"as_of": self._policy["as_of"], "findings": findings, "policy_hash": self._policy_hash}
        salted = {**hashed, "nonce": nonce}  # of verdicts from before there was a nonce it is in no hash
        if entry["findings_hash"] not in (json_hash(salted), json_hash(hashed)):
            yield "findings-hash", "findings_hash is not of these findings"
        outcome = self._outcome(facts["track"], findings)
        if outcome != entry["outcome"]:
            yield "outcome", f"these findings make it {outcome}, not {entry['outcome']}"
        tickets = self._tickets(facts, findings)
        if tickets != entry["tickets"] and not (epoch > 1 and tickets is not None and entry["tickets"] < tickets):
            yield "tickets", f"the policy's steps give it {tickets} tickets, not {entry['tickets']}"
        score = self._score(facts, opened.get("marks") or []) if entry["outcome"] == "eligible" else None
        if score != entry["score"]:
            yield "score", f"marks and record give it {score} points, not {entry['score']}"
        for name, value in self._offer(facts).items():
            if entry[name] != value:
                yield "offer", f"{name} is {value!r} in the facts, {entry[name]!r} here"
        if entry["awards"] and [entry.get("applicant"), entry.get("product")] != [
            facts["applicant"]["name"],
            facts["product"]["name"],
        ]:
            yield "names", "the names are not those of the facts"

    def _outcome(self, track: str, findings: list[dict[str, Any]]) -> str:
        if any(finding["rule"] == "judging" for finding in findings):
            return "parked, with which nothing is completed"
        stated = self._tracks.get(track)
        if stated is None:
            failed = [(finding["rule"], finding["outcome"], finding["decides"]) for finding in findings] == [
                ("track", "fail", True)
            ]
            return "ineligible" if failed else "something else: its track is none of the policy"
        asked = [
            (condition["rule"], condition["legal_source"], condition.get("decides", True))
            for condition in stated["conditions"]
        ]
        if asked != [(finding["rule"], finding["legal_source"], finding["decides"]) for finding in findings]:
            return "something else: the rules asked are not those of the track"
        passed = {finding["rule"] for finding in findings if finding["outcome"] == "pass"}
        waived = {
            rule
            for waiver in stated.get("waivers", ())
            if passed.issuperset(waiver["when"])
            for rule in waiver["waives"]
        } - passed
        if waived & {finding["rule"] for finding in findings} != {
            finding["rule"] for finding in findings if finding["outcome"] == "waived"
        }:
            return "something else: what is waived is not what the policy waives"
        deciding = [finding["outcome"] for finding in findings if finding["decides"]]
        return "eligible" if all(outcome in ("pass", "waived") for outcome in deciding) else "ineligible"

    def _tickets(self, facts: dict[str, Any], findings: list[dict[str, Any]]) -> int | None:
        passed = {finding["rule"] for finding in findings if finding["outcome"] == "pass"}
        record = facts["applicant"].get("supply_record")
        for step in self._policy["tickets"]:
            bounds = (("record_won_at_most", "won"), ("record_count_at_most", "count"))
            if all(
                step.get(name) in (None, rule in passed)
                for name, rule in (("startup",) * 2, ("first_timer", "first-timer"))
            ) and all(
                step.get(bound) is None or (record is not None and record[name] <= step[bound])
                for bound, name in bounds
            ):
                tickets: int = step["tickets"]
                return tickets
        return None

    def _score(self, facts: dict[str, Any], marks: list[list[Any]]) -> int | None:
        """The mean of the marks without a conflict of interest, rounded down, and the points of the record's step."""
        scoring = self._policy.get("scoring")
        if scoring is None:
            return None
        counted = [min(points, scoring.get("panel_points", 0)) for _, _, points, conflict in marks if not conflict]
        record = facts["applicant"].get("supply_record")
        for step in scoring["supply_record"]:
            bound = step.get("record_won_at_most")
            if bound is None or (record is not None and record["won"] <= bound):
                points: int = step["points"]
                return points + (sum(counted) // len(counted) if counted else 0)
        return None

    def _offer(self, facts: dict[str, Any]) -> dict[str, Any]:
        product = facts["product"]
        held = sorted(
            {certificate["kind"] for certificate in facts.get("certificates", ()) if self._holds(certificate)}
        )
        return {
            "track": facts["track"],
            "class_code": product["class_code"],
            "price_won": product["price_won"],
            "capacity": product["capacity"],
            "delivery_days": product["delivery_days"],
            "regions": product.get("regions", []),
            "certificates": held,
        }

    def _holds(self, stated: dict[str, Any]) -> bool:
        kind = self._kinds.get(stated["kind"])
        if kind is None or not self._patterns[stated["kind"]].fullmatch(stated["number"]):
            return False
        if kind.get("grades") and stated.get("grade") not in kind["grades"]:
            return False
        issued = date.fromisoformat(stated["issued_on"])
        years = kind.get("validity_years")
        if stated.get("expires_on"):
            last = date.fromisoformat(stated["expires_on"])
        else:
            last = last_day(issued, years) if years else date.max
        return issued <= self._as_of <= last


# The whole

STANDS = (
    *("application", "firm", "track", "class_code", "price_won", "capacity", "delivery_days", "regions"),
    *("certificates", "position", "result", "reason", "reserve_position", "awards"),
)
"""Members of an entry that are looked at once more in draw order."""


class Examination:
    """One reading of a bundle, line by line."""

    def __init__(self, report: Report, head: dict[str, Any]) -> None:
        self.report = report
        self.epoch: int = head["epoch"]
        self.round: str = head["round"]
        self.open = head["depth"] == "auditor"
        self.version = FORMATS.index(head["bundle"]) + 1
        self.tree, self._later_tree, self._shown = Tree(), Tree(), Tree()
        self.turns: Turns | None = None
        self._events: list[Event] = []
        self._later: list[Event] = []
        self._applications, self._verdicts, self._entries, self._requests = Digest(), Digest(), Digest(), Digest()
        self._marks, self._marked = Digest(), 0
        self._last, self._reached = ("", -1, ""), 0
        self._standing, self._aside, self._firms = SortedRuns(), SortedRuns(), SortedRuns()
        self._counts: Counter[str] = Counter()
        self._asked: set[str] = set()
        self._apart = 0
        """Of the entries, those that draw under this epoch and not under the first."""

    def take(self, number: int, record: dict[str, Any], line: bytes) -> None:
        """The next record of the bundle, in the order of its sections. Raises UnreadableError."""
        kind, where = record.get("type"), f"line {number}"
        if kind not in SECTIONS:
            raise UnreadableError("no-type", f"{where}: there is no record of type {kind!r}")
        self._section(number, kind)
        opened = record.pop("open", None)
        if kind in ("event", "later"):
            self._event(record, where)
        else:
            shaped(kind, record, where)
        hashed = canonical(record)
        if opened is None:
            right = hashed + b"\n" == line
        else:
            if kind not in ("request", "entry"):
                raise UnreadableError("malformed", f"{where}: a record of type {kind} has nothing to be opened")
            shaped(f"opened-{kind}", opened, where)
            right = canonical(record | {"open": opened}) + b"\n" == line
        if not right:
            self.report.wrong("not-canonical", f"{where}: it is not canonical JSON (RFC 8785), one record a line")
        if kind == "later":
            self._later.append(record)
            self._later_tree.add(hashed)
            return
        self.tree.add(hashed)
        if kind == "event":
            self._events.append(record)
        elif kind == "pledges":
            self._begin(number, record)
        elif self.turns is None:
            raise UnreadableError("before-pledges", f"{where}: a record of type {kind} comes before the pledges")
        else:
            self._unseal(number, record, opened)
            (self._request if kind == "request" else self._entry)(number, record, opened)

    def _event(self, record: dict[str, Any], where: str) -> None:
        name = record.get("event")
        if set(record) != {"type", "event", "body"} or not isinstance(name, str) or name not in LAWS:
            raise UnreadableError("event-foreign", f"{where}: it is none of the events that the format has")
        shaped(name, record["body"], where)

    def _section(self, number: int, kind: str) -> None:
        """Records stand type by type, the pledges once."""
        section = SECTIONS.index(kind)
        if section < self._reached or section == self._reached == SECTIONS.index("pledges"):
            self.report.wrong(
                "no-place",
                f"line {number}: a record of type {kind} has no place after those of {SECTIONS[self._reached]}",
            )
        self._reached = max(section, self._reached)

    def _begin(self, number: int, record: dict[str, Any]) -> None:
        self.turns = turns = turns_of(self._events, self.epoch)
        self._seeds = turns.seeds()
        self._committed = sorted(turns.committed)
        epochs = sorted(turns.life.all("EpochOpened").items())
        self._admitted = {identifier: of for of, body in epochs for identifier in body.get("admitted", ())}
        self._judged = {identifier: of for of, body in epochs for identifier in body["judge_again"]}
        self._amended = {
            amended["application"]: amended["version"] for _, body in epochs for amended in body.get("amended") or ()
        }
        self._all_judged = max((of for of, body in epochs if body.get("judge_all")), default=1)
        self._pledges = dict(record["pledges"])
        if [institution for institution, _ in record["pledges"]] != sorted(self._pledges):
            self.report.wrong("pledges-order", f"line {number}: pledges don't stand in order, each once")
        self._matching = Matching(turns.policy, self._pledges)
        self._releases = Releases(turns.policy, self._pledges)
        before = [event["body"] for event in self._events if event["event"] == "ReleaseOpened"]
        self._left = {leaver["application"]: leaver["cause"] for body in before for leaver in body["leaving"]}
        self._cancelled = {cancelled["request"] for body in before for cancelled in body["cancelled"]}
        self._judging = Judging(turns.policy, turns.opened["policy_hash"])
        scoring = turns.policy.get("scoring")
        self._threshold: int | None = scoring.get("threshold", 0) if scoring else None
        self._by_score = turns.policy["method"] == "score"

    def _unseal(self, number: int, record: dict[str, Any], opened: Any) -> None:
        if self.open and opened is None:
            self.report.wrong("nothing-opened", f"line {number}: the auditor's depth has nothing opened here")
        elif opened is not None and not self.open:
            self.report.wrong("opened", f"line {number}: the public depth opens nothing")
        elif opened is not None and json_hash(opened) != record["sealed"]:
            self.report.wrong("not-sealed", f"line {number}: what is opened is not what was sealed")

    def _ordered(self, number: int, kind: str, identifier: str) -> int:
        """Its bucket."""
        place = (kind, bucket_of(identifier), identifier)
        if place <= self._last:
            self.report.wrong("order", f"line {number}: {identifier} does not stand in order, or stands twice")
        self._last = place
        return place[1]

    def _request(self, number: int, record: dict[str, Any], opened: dict[str, Any] | None) -> None:
        identifier, institution = record["request"], record["institution"]
        bucket = self._ordered(number, "1 request", identifier)
        self._requests.add(bucket, f'["{identifier}",{record["version"]},"{record["payload_hash"]}"]')
        self._asked.add(identifier)
        asked = ("class_code", "quantity", "budget_won", "price_ceiling_won")
        others = ("certificate_kinds", "region", "delivery_days_at_most")
        self._shown.add(canonical([identifier, institution, *(record[name] for name in (*asked, *others))]))
        if identifier.partition("/")[0] != institution:
            self.report.wrong("institution", f"line {number}: {identifier} is no request of {institution}")
        if identifier not in self._cancelled:
            self._matching.ask(record)
            self._releases.ask(record)
        if opened is None:
            return
        facts = opened["facts"]
        if sha256_hex(bytes.fromhex(opened["nonce"]) + canonical(facts)) != record["payload_hash"]:
            self.report.wrong("payload-hash", f"line {number}: {identifier}: payload_hash is not of these facts")
        for name in (*asked, "region", "delivery_days_at_most"):
            if record[name] != facts.get(name):
                told = f"{name} is {facts.get(name)!r} in the facts, {record[name]!r} here"
                self.report.wrong("offer", f"line {number}: {identifier}: {told}")
        if record["certificate_kinds"] != facts.get("certificate_kinds", []):
            self.report.wrong(
                "request-certificates", f"line {number}: certificate_kinds of {identifier} are not those of the facts"
            )

    def _entry(self, number: int, entry: dict[str, Any], opened: dict[str, Any] | None) -> None:
        identifier, version, payload = entry["application"], entry["version"], entry["payload_hash"]
        bucket, outcome = self._ordered(number, "2 entry", identifier), entry["outcome"]
        self._counts[outcome] += 1
        leaf, score = f'["{identifier}",{version},"{payload}"', entry["score"]
        self._applications.add(bucket, f"{leaf}]")
        self._verdicts.add(bucket, f'{leaf},{entry["judged_in"]},"{outcome}","{entry["findings_hash"]}"]')
        self._entries.add(
            bucket, f'["{identifier}","{outcome}",{entry["tickets"]},{"null" if score is None else score}]'
        )
        self._show(number, entry)
        if version != self._amended.get(identifier, version):
            self.report.wrong("amended", f"line {number}: {identifier} is amended to another version than {version}")
        judged = max(self._all_judged, self._judged.get(identifier, 1))
        if entry["judged_in"] != judged:
            self.report.wrong(
                "judged-in", f"line {number}: {identifier} was to be judged in epoch {judged}, not {entry['judged_in']}"
            )
        if opened is not None:
            if opened.get("marks"):
                self._marks.add(bucket, _encode([identifier, opened["marks"]]))
                self._marked += len(opened["marks"])
            for name, fault in self._judging.faults(entry, opened, self.epoch):
                self.report.wrong(name, f"line {number}: {identifier}: {fault}")
            self._firms.add(f"{opened['facts']['applicant']['business_number']}\t{entry['firm']:016d}")
        under = self._drawn_under(identifier)
        self._apart += under == self.epoch != self._committed[0]
        if entry["drawn_under"] != under:
            told = f"{identifier} draws under epoch {under}, not {entry['drawn_under']}"
            self.report.wrong("drawn-under", f"line {number}: {told}")
        reason = self._reason_aside(entry)
        if reason is None:
            self._stand(number, entry, under)
            return
        stated = (entry["result"], entry["reason"], entry["position"], entry["key"], entry["reserve_position"])
        if stated != ("not-selected", reason, None, None, None) or entry["awards"]:
            self.report.wrong("aside", f"line {number}: {identifier} does not stand in the draw: it is {reason}")
        given = [identifier, entry["result"], entry["position"], entry["key"], entry["awards"]]
        self._aside.add(f"{identifier}\t{number}\t{_encode(given)}")

    def _show(self, number: int, entry: dict[str, Any]) -> None:
        """What is shown of it, and whether names are shown of the selected alone."""
        named = (entry.get("applicant"), entry.get("product"))
        if ("applicant" in entry, "product" in entry) != (bool(entry["awards"]),) * 2:
            self.report.wrong("names-shown", f"line {number}: names stand of who is selected, both, and of nobody else")
        names = ("track", "firm", "class_code", "price_won", "capacity", "delivery_days", "regions", "certificates")
        shown = [entry["application"], *(entry[name] for name in names), entry.get("identity"), *named]
        self._shown.add(canonical(shown))

    def _reason_aside(self, entry: dict[str, Any]) -> str | None:
        if entry["outcome"] != "eligible" or entry["tickets"] == 0:
            return "ineligible"
        if self._threshold is not None and (entry["score"] or 0) < self._threshold:
            return "below-threshold"
        return self._left.get(entry["application"])

    def _stand(self, number: int, entry: dict[str, Any], under: int) -> None:
        identifier, seed = entry["application"], self._seeds.get(under)
        if seed is None:
            self.report.wrong("no-seed", f"line {number}: {identifier} draws under epoch {under}, which has no seed")
            return
        prefix = f"{seed}:{identifier}:"
        tickets = [hashlib.sha256(f"{prefix}{ticket}".encode()).digest() for ticket in range(1, entry["tickets"] + 1)]
        key = min(tickets).hex()
        if key != entry["key"]:
            self.report.wrong("key", f"line {number}: the draw key of {identifier} is {key}")
        score = 10**16 - (entry["score"] or 0) if self._by_score else 0
        stood = json.dumps([entry[name] for name in STANDS])
        self._standing.add(f"{score:017d}\t{key}\t{identifier}\t{number}\t{stood}")

    def _drawn_under(self, identifier: str) -> int:
        """The epoch of the first commitment it could stand in: the round's first, but for who was admitted later."""
        admitted = self._admitted.get(identifier, 1)
        return min((epoch for epoch in self._committed if epoch >= admitted), default=0)

    def finish(self, number: int, end: dict[str, Any], line: bytes, expected: Mapping[str, Sequence[str]]) -> None:
        """At the bundle's end: every root, the draw, the matching, the batches and who confirmed."""
        shaped("end", end, f"line {number}")
        report, turns = self.report, self.turns
        if turns is None:
            raise UnreadableError("no-pledges", "it has no pledges, and so nothing that was committed")
        if canonical(end) + b"\n" != line:
            report.wrong("not-canonical", f"line {number}: it is not canonical JSON (RFC 8785), one record a line")
        report.same(
            (end["records"], end["root"]) == (self.tree.size, self.tree.root().hex()),
            "root",
            f"{self.tree.size} records are those of the bundle's root {end['root']}",
            f"the bundle's root: {self.tree.size} records give {self.tree.root().hex()}, stated are {end['records']} "
            f"with {end['root']}",
        )
        report.same(
            (end["later"], end["later_root"]) == (self._later_tree.size, self._later_tree.root().hex()),
            "later",
            f"{self._later_tree.size} events that came later are those of their root",
            "the events that came later are not those of their root",
        )
        every = (*self._events, *self._later)
        of_round = {event["body"]["round"] for event in every}
        report.same(
            of_round == {self.round}, "round", f"all is of round {self.round}", f"events are of {sorted(of_round)}"
        )
        life = Life(every)
        self._life(life)
        self._inputs(turns, life)
        self._chance(turns, life)
        self._selection(turns)
        self._given_out(turns)
        if self.open:
            self._firms_told_apart()
        self._shown_root(turns)
        self._officers(turns)
        self._held(turns, expected)
        self._say_what_is_left(turns)

    def _life(self, life: Life) -> None:
        before = len(self.report.names) + self.report.more
        for faults in (misplaced(self._events, self._later, self.epoch), life.faults(), unsound(life, self.version)):
            for name, told in faults:
                self.report.wrong(name, told)
        if len(self.report.names) + self.report.more == before:
            self.report.checked.append(f"{len(life.events)} events are a life that a round can have, in order and time")
        self.report.voided = life.one("RoundVoided", FAR) is not None

    def _inputs(self, turns: Turns, life: Life) -> None:
        report, committed = self.report, turns.commitment
        policy_hash = json_hash(turns.policy)
        report.same(
            policy_hash == turns.opened["policy_hash"] == committed["policy_hash"],
            "policy",
            "the policy is the one that was opened and committed",
            f"the policy's hash is {policy_hash}",
        )
        for what, digest, manifest, name in (
            ("applications", self._applications, turns.frozen["applications"], "applications_root"),
            ("purchase requests", self._requests, turns.frozen["requests"], "requests_root"),
            ("verdicts", self._verdicts, turns.completed["verdicts"], "verdicts_root"),
        ):
            buckets, root = digest.differing(manifest), digest.root()
            report.same(
                not buckets and root == manifest["root"] == committed[name],
                "manifest",
                f"{sum(digest.counts())} {what} are those of the manifest, bucket by bucket, and of the commitment",
                f"{what} differ from the manifest or the commitment; buckets: {buckets or 'none'}; root: {root}",
            )
        entries, count = self._entries.root(), sum(self._counts.values())
        report.same(
            entries == committed["entries_root"] and count == committed["entries"],
            "entries",
            "outcome, tickets and score of every entry are those committed",
            f"entries make the root {entries}, committed was {committed['entries_root']}",
        )
        if any(self._counts[outcome] != turns.completed[outcome] for outcome in ("eligible", "ineligible")):
            report.wrong("counts", "eligible and ineligible are not as many as EligibilityCompleted says")
        if self._apart != (committed.get("supplementary") or 0):
            told = f"{self._apart} draw apart in this epoch, committed were {committed.get('supplementary')}"
            report.wrong("supplementary-count", told)
        self._pledged(turns)
        names = ("round", "epoch", "applications_root", "requests_root", "verdicts_root", "entries_root")
        for epoch, body in sorted(life.all("InputsCommitted").items()):
            root = json_hash({name: body[name] for name in (*names, "pledges_root", "policy_hash")})
            report.same(
                root == body["commitment_root"],
                "commitment",
                f"the commitment of epoch {epoch} is made of its roots: {root}",
                f"the commitment of epoch {epoch}: its roots make {root}, not {body['commitment_root']}",
            )

    def _pledged(self, turns: Turns) -> None:
        pledges = [list(pledge) for pledge in sorted(self._pledges.items())]
        frozen = (turns.life.one("RoundFrozen", 1) or {}).get("pledges")
        stated = [[pledge["institution"], pledge["pledge_won"]] for pledge in frozen] if frozen is not None else pledges
        self.report.same(
            json_hash(pledges) == turns.commitment["pledges_root"] and stated == pledges,
            "pledges",
            "pledges are those committed" + (", as they stood at the freeze" if frozen is not None else ""),
            "pledges are not those committed, or not those of the freeze",
        )
        if frozen is None:
            self.report.not_checked.append("that the pledges are those of the freeze: its event states none")

    def _chance(self, turns: Turns, life: Life) -> None:
        report, main = self.report, self._committed[0]
        if main > 1:
            report.not_checked.append(f"that nothing was committed before epoch {main}: milestones.v1 would have it")
        for epoch, body in sorted(life.all("SelectionProposed").items()):
            report.same(
                self._seeds.get(main) == body["seed"],
                "seed",
                f"the seed of epoch {epoch} is of the commitment of epoch {main} and the source's value",
                f"the seed of epoch {epoch} is {self._seeds.get(main)}, not {body['seed']}",
            )
        sources = {source["source"]: source for source in turns.opened["sources"]}
        for epoch, value in sorted(turns.values.items()):
            source, committed = sources.get(value["source"]), turns.committed.get(epoch)
            if source is None or committed is None:
                report.wrong("no-source", f"the value of epoch {epoch} is of no announced source, or of no commitment")
                continue
            self._value(turns, epoch, value, source, committed)

    def _value(self, turns: Turns, epoch: int, value: Body, source: dict[str, Any], committed: Body) -> None:
        report, later = self.report, epoch != self._committed[0]
        if later and (value["source"] != self._supplementary(turns, epoch) or not committed.get("supplementary")):
            report.wrong("supplementary", f"the value of epoch {epoch} is not of the source announced for it")
        turn = turns.opened["sources"].index(source)
        before = [] if later else turns.opened["sources"][:turn]
        due = first_due(committed["committed_at"], turns.opened["lead_seconds"], [*before, source])
        report.same(
            moment(value["due_at"]) == due,
            "due",
            f"the value of {value['source']} for epoch {epoch} is the first due a lead after the commitment",
            f"the value of {value['source']} for epoch {epoch} was due at {due.isoformat()}",
        )
        for failed in before:
            report.not_checked.append(f"that {failed['source']}, which stands before it, gave no value in time")
        if source["kind"] == "drand":
            self._beacon(source, value, due)
        elif value.get("signature") is not None or value.get("beacon_round") is not None:
            report.wrong("value-form", f"{value['source']} has no signature and no round of a beacon")
        elif not written_as_drawn(value["value"]):
            report.wrong("value-form", f"the value {value['value']} is not written as RFC 3797 writes what was drawn")
        if source["kind"] == "rehearsal":
            self._rehearsal(turns, value, f"{self.round}:supplementary-{epoch}" if later else self.round)
        else:
            report.not_checked.append(
                f"that {value['source']} gave {value['value']} at {value['due_at']}: look it up where it is "
                f"published ({source['description']})"
            )

    def _rehearsal(self, turns: Turns, value: Body, what: str) -> None:
        stated = turns.opened.get("rehearsal")
        right = stated is not None and value["value"] == rehearsed(stated["seed"], what)
        self.report.same(
            right,
            "rehearsed",
            "the value is made from the rehearsal's announced seed",
            "the value is not the one that the rehearsal's announced seed makes",
        )
        self.report.not_checked.append("chance: this is a rehearsal, whose source is made from its announced seed")

    def _supplementary(self, turns: Turns, epoch: int) -> str | None:
        """The source announced for who was admitted since the commitment before that epoch's, by the newest act."""
        before = max((committed for committed in self._committed if committed < epoch), default=0)
        opened = sorted(turns.life.all("EpochOpened").items())
        named = [body.get("supplementary_source") for of, body in opened if before < of <= epoch]
        return next((source for source in reversed(named) if source), None)

    def _beacon(self, source: dict[str, Any], value: Body, due: datetime) -> None:
        if not source.get("anchor"):
            self.report.wrong("beacon", f"{source['source']} is a beacon without its genesis")
            return
        number = int((due - moment(source["anchor"])).total_seconds()) // source["period_seconds"] + 1
        randomness = sha256_hex(bytes.fromhex(value.get("signature") or ""))
        self.report.same(
            number > 0 and (value["value"], value.get("beacon_round")) == (f"{randomness}/", number),
            "beacon",
            f"the value is SHA-256 of the signature of drand round {number}",
            f"the value is not SHA-256 of its signature, or not of drand round {number}",
        )
        self.report.not_checked.append(
            f"the signature itself (BLS): round {number} of chain {source.get('chain_hash')} has it at any drand node"
        )

    def _selection(self, turns: Turns) -> None:
        report, tree, counts = self.report, Tree(), Counter[str]()
        position = 0
        of_epoch = [event["body"] for event in self._later if event["event"] == "ReleaseOpened"]
        named = {
            identifier for body in of_epoch if body["epoch"] == self.epoch for identifier in _set_free(body)
        } - self._asked
        for position, line in enumerate(self._standing.merged(), start=1):
            _, key, identifier, number, text = line.split("\t", 4)
            entry = dict(zip(STANDS, json.loads(text), strict=True))
            result, reason, reserve, awards = self._matching.place(entry)
            self._releases.place(entry, result, awards)
            counts[result] += 1
            named.discard(identifier)
            if entry["position"] != position:
                told = f"{identifier} stands at {position}, not at {entry['position']}"
                report.wrong("position", f"line {number}: {told}")
            stated = [entry["result"], entry["reason"], entry["reserve_position"], entry["awards"]]
            if stated != [result, reason, reserve, awards]:
                told = f"{identifier} comes to {[result, reason, reserve, awards]}, not to {stated}"
                report.wrong("placement", f"line {number}: {told}")
            given = _encode(awards) if awards else "[]"
            tree.add(f'["{identifier}","{result}",{position},"{key}",{given}]'.encode())
        for line in self._aside.merged():
            counts["not-selected"] += 1
            identifier, _, leaf = line.split("\t", 2)
            named.discard(identifier)
            tree.add(leaf.encode())
        if named:
            report.wrong("batch-named", f"batches set free what is not in the set: {', '.join(sorted(named))}")
        report.checked.append(
            f"{position} stood in the draw; positions, keys, matching and reserve were computed again"
        )
        root = tree.root().hex()
        stated_counts = tuple(turns.proposed[name] for name in ("selected", "reserve", "not_selected"))
        mine = (counts["selected"], counts["reserve"], counts["not-selected"])
        report.same(
            root == turns.proposed["selection_root"] and mine == stated_counts,
            "selection",
            f"{mine[0]} selected, {mine[1]} in reserve, {mine[2]} not: the selection root is {root}",
            f"the selection comes to {mine} with the root {root}, proposed was {stated_counts} "
            f"with {turns.proposed['selection_root']}",
        )

    def _given_out(self, turns: Turns) -> None:
        """The batches of this epoch, one after another from the proposal on."""
        said: dict[str, dict[int, Body]] = {"ReleaseOpened": {}, "ReleaseProposed": {}}
        for event in self._later:
            if event["event"] in said and event["body"]["epoch"] == self.epoch:
                said[event["event"]].setdefault(event["body"]["batch"], event["body"])
        for batch, opened in sorted(said["ReleaseOpened"].items()):
            proposed = said["ReleaseProposed"].get(batch)
            root, state, counts = self._releases.give_out(opened)
            if proposed is None:
                self.report.not_checked.append(f"batch {batch}, which is opened and not proposed yet")
                continue
            stated = [proposed[name] for name in ("batch_root", "state_hash", "promoted", "changed", "withdrawn")]
            self.report.same(
                [root, state, *counts] == stated,
                "batch",
                f"batch {batch} was given out again: {counts[0]} promoted, {counts[1]} changed, {counts[2]} withdrawn; "
                f"its root is {root}",
                f"batch {batch} comes to {counts} with the root {root}, proposed was {stated}",
            )
            if not self._batch_confirmed(batch):
                self.report.not_checked.append(f"that officers confirmed batch {batch}: the bundle has no confirmation")

    def _batch_confirmed(self, batch: int) -> bool:
        """By a confirmation of its own, of a later batch, or of the selection after it."""
        return any(
            event["event"] in ("ReleaseConfirmed", "SelectionConfirmed")
            and event["body"]["epoch"] == self.epoch
            and (event["body"].get("batch") or 0) >= batch
            for event in self._later
        )

    def _firms_told_apart(self) -> None:
        numbers, told = 0, set()
        for _, lines in groupby(self._firms.merged(), key=lambda line: line.partition("\t")[0]):
            firms = {line.partition("\t")[2] for line in lines}
            numbers += 1
            told |= firms
            if len(firms) > 1:
                many = ", ".join(sorted(map(str, map(int, firms))))
                self.report.wrong("one-number", f"one business number stands as firms {many}")
        self.report.same(
            len(told) == numbers,
            "firms",
            f"{numbers} firms are told apart by their business numbers",
            f"{numbers} business numbers stand as {len(told)} firms",
        )

    def _shown_root(self, turns: Turns) -> None:
        stated, root = turns.proposed.get("shown_root"), self._shown.root().hex()
        if stated is None:
            self.report.not_checked.append(
                "the names of the selected, offers and requests as they are shown: this version of the format has no "
                "root over them; the auditor's depth holds them against what was stated"
            )
            return
        self.report.same(
            root == stated,
            "shown",
            f"names, offers and requests are those shown at the proposal: {root}",
            f"names, offers and requests make the root {root}, proposed was {stated}",
        )

    def _officers(self, turns: Turns) -> None:
        confirmed = next(
            (
                event["body"]
                for event in self._later
                if event["event"] == "SelectionConfirmed" and event["body"]["epoch"] == self.epoch
            ),
            None,
        )
        if confirmed is None:
            self.report.not_checked.append("that officers confirmed it: the bundle has no confirmation of this epoch")
            return
        roots = [confirmed["commitment_root"], confirmed["selection_root"], confirmed.get("shown_root")]
        of_it = [turns.commitment["commitment_root"], turns.proposed["selection_root"]]
        right = roots == [*of_it, turns.proposed.get("shown_root")]
        self.report.confirmed = right and two_officers(confirmed["actors"]) and not self.report.voided
        self.report.same(
            right and two_officers(confirmed["actors"]),
            "officers",
            "two officers confirmed exactly these roots: "
            + " and ".join(sorted(actor["name"] for actor in confirmed["actors"])),
            "the confirmation is not of these roots, or not by two officers",
        )

    def _held(self, turns: Turns, expected: Mapping[str, Sequence[str]]) -> None:
        """Every root that you hold must stand in the bundle, and of commitments, once you hold one, every epoch's."""
        of_later = [event["body"] for event in self._later if event["event"] == "InputsCommitted"]
        terms = [event["body"] for event in self._events if event["event"] in ("RoundAnnounced", "RoundAmended")]
        announced = turns.life.terms.get("announcement_root")
        stated = {
            "commitment": [turns.committed[epoch]["commitment_root"] for epoch in self._committed],
            "selection": [turns.proposed["selection_root"]],
            "announcement": [announced] if announced else [],
            "shown": [root for root in [turns.proposed.get("shown_root")] if root],
        }
        also = {
            "commitment": [body["commitment_root"] for body in of_later],
            "announcement": [body.get("announcement_root") for body in terms],
        }
        for name, roots in stated.items():
            held = expected.get(name, ())
            more = [root for root in held if root not in (*roots, *also.get(name, ()))]
            for root in roots:
                if held:
                    self.report.same(
                        root in held,
                        "held",
                        f"the {name} root is one you hold, {root}",
                        f"the {name} root is {root}, which is none that you hold",
                    )
                else:
                    self.report.not_checked.append(
                        f"that {root} is the {name} root that was published then: compare it with a copy of your own "
                        f"(--{name}), such as an institution's RoundNoticed"
                    )
            if set(roots) <= set(held):
                for root in more:
                    self.report.wrong("held-more", f"you hold the {name} root {root}, which the bundle has not")

    def _panel(self, turns: Turns) -> None:
        closed = turns.scores_closed
        if closed is None:
            return
        if not self.open:
            self.report.not_checked.append(
                "the panel's marks, which the scores are made of: the auditor's depth opens them"
            )
        elif self._marked > closed["marks"] or (self._marked < closed["marks"] and turns.has_all()):
            self.report.wrong("marks-more", f"{self._marked} marks are opened, {closed['marks']} were closed")
        elif self._marked < closed["marks"]:
            self.report.not_checked.append(
                f"the root of the {closed['marks']} marks closed: {self._marked} are of applications in the set"
            )
        else:
            self.report.same(
                self._marks.root() == closed["marks_root"],
                "marks",
                f"the panel's {self._marked} marks are those two officers closed",
                f"the panel's marks make the root {self._marks.root()}, closed was {closed['marks_root']}",
            )

    def _say_what_is_left(self, turns: Turns) -> None:
        say = self.report.not_checked.append
        if not self.open:
            say("that outcomes, tickets and offers follow from what firms stated: the auditor's depth opens that")
        else:
            say("that each finding follows from the facts: `firstbuy simulate` judges them again")
        if (turns.policy.get("scoring") or {}).get("panel_points"):
            self._panel(turns)
        if self.epoch > 1:
            say("that tickets of later epochs are the least of what was judged before: earlier bundles show those")
        say("that what firms and institutions stated is true")


def examine(source: IO[bytes], expected: Mapping[str, str | Sequence[str]] | None = None) -> Report:
    """`expected`: roots you hold, under `commitment` (of every epoch), `selection`, `announcement` and `shown`."""
    report = Report()
    held = {name: [roots] if isinstance(roots, str) else list(roots) for name, roots in (expected or {}).items()}
    try:
        _read(lines_of(source), report, held)
    except UnreadableError as error:
        report.wrong(error.name, str(error))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        report.wrong("malformed", f"a record is not as the format has it: {type(error).__name__}: {error}")
    if report.differs:
        report.confirmed = False
    return report


def _read(lines: Iterator[tuple[int, dict[str, Any], bytes]], report: Report, held: dict[str, list[str]]) -> None:
    number, head, line = next(lines, (0, {}, b""))
    if head.get("bundle") not in FORMATS or head.get("depth") not in ("public", "auditor"):
        raise UnreadableError("no-head", f"its first line is no head of a bundle of format {' or '.join(FORMATS)}")
    shaped("head", head, f"line {number}")
    if canonical(head) + b"\n" != line:
        report.wrong("not-canonical", f"line {number}: it is not canonical JSON (RFC 8785), one record a line")
    report.depth = head["depth"]
    examination = Examination(report, head)
    for number, record, line in lines:
        if record.get("type") != "end":
            examination.take(number, record, line)
            continue
        examination.finish(number, record, line, held)
        if next(lines, None) is not None:
            raise UnreadableError("after-end", f"line {number} is its end, and something follows")
        return
    raise UnreadableError("cut-off", "it has no end: it was cut off")


ROOTS = ("commitment", "selection", "announcement", "shown")


def main() -> int:
    """The command line. Returns the exit code: 0 confirmed, 3 by nobody, 1 differs, 2 asked wrongly."""
    parser = argparse.ArgumentParser(description="Check the evidence of a round's result.")
    parser.add_argument("bundle", type=Path)
    for name in ROOTS:
        many = "; once for each epoch's" if name == "commitment" else ""
        parser.add_argument(
            f"--{name}", type=_root, action="append", default=[], help=f"the {name} root you hold{many}"
        )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with given.bundle.open("rb") as source:
            report = examine(source, {name: getattr(given, name) for name in ROOTS if getattr(given, name)})
    except OSError as error:
        print(f"{given.bundle}: {error.strerror}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(vars(report), indent=1))
    else:
        for mark, told in (("✓", report.checked), ("✗", report.differs), ("?", report.not_checked)):
            for what in told:
                print(f"{mark} {harmless(what)}")
        if report.more:
            print(f"✗ and {report.more} more")
        print(f"{report.depth} depth: {report.verdict()}")
    return 1 if report.differs else 0 if report.confirmed else 3


def harmless(text: str) -> str:
    """Signs that don't show, a terminal's commands among them, as escapes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _root(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no root: 64 digits of 0-9 and a-f")
    return text


if __name__ == "__main__":
    sys.exit(main())
