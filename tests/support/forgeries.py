"""Named forgeries of a small round's bundle."""

import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

from services.selection.domain.evidence import Depth
from services.selection.domain.matching import Result
from services.selection.domain.releases import Freed
from services.selection.verify import Report, examine
from shared.contracts.events import NotSelectedReason
from shared.proof.canonical import json_hash
from tests.support.bundles import Round, make_round, with_batches
from tests.support.forger import records_of, rewritten

ROUND = make_round()


BUNDLES = {depth: ROUND.bundle(depth) for depth in Depth}


def examined(bundle: bytes, **expected: str) -> Report:
    return examine(io.BytesIO(bundle), expected)


def batches_of(made: Round, random: Random) -> list[Freed]:
    """Who leaves and which requests are cancelled, in up to three batches; nobody in two of them."""
    placed = [line.placement for line in made.proposal.lines if line.placement.result is not Result.NOT_SELECTED]
    subjects = [one.application for one in placed] + [request["request"] for request in made.requests]
    left = random.sample(subjects, min(len(subjects), random.randint(1, 8)))
    causes = (NotSelectedReason.GIVEN_UP, NotSelectedReason.DECLINED)
    return [
        Freed(
            {one: random.choice(causes) for one in left[number::3] if "/" not in one},
            frozenset(one for one in left[number::3] if "/" in one),
        )
        for number in range(3)
    ]


RELEASED = with_batches(ROUND, *batches_of(ROUND, Random(5)))  # noqa: S311


def batch_of(records: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    body: dict[str, Any] = next(record["body"] for record in records if record.get("event") == kind)
    return body


def one_more_leaves(records: list[dict[str, Any]]) -> None:
    batch_of(records, "ReleaseOpened")["leaving"].append(
        {"application": entry(records, "selected")["application"], "cause": "declined", "reason": ""}
    )


def nobody_leaves(records: list[dict[str, Any]]) -> None:
    opened = batch_of(records, "ReleaseOpened")
    opened["leaving"], opened["cancelled"] = [], []


def another_batch_root(records: list[dict[str, Any]]) -> None:
    batch_of(records, "ReleaseProposed")["batch_root"] = "0" * 64


def another_state(records: list[dict[str, Any]]) -> None:
    batch_of(records, "ReleaseProposed")["state_hash"] = "0" * 64


def of_another_proposal(records: list[dict[str, Any]]) -> None:
    batch_of(records, "ReleaseOpened")["selection_root"] = "0" * 64


def confirmed_another(records: list[dict[str, Any]]) -> None:
    batch_of(records, "ReleaseConfirmed")["batch_root"] = "0" * 64


def confirmed_by_one(records: list[dict[str, Any]]) -> None:
    confirmed = batch_of(records, "ReleaseConfirmed")
    confirmed["actors"] = confirmed["actors"][:1] * 2


def a_batch_left_out(records: list[dict[str, Any]]) -> None:
    records.remove(next(record for record in records if record.get("event") == "ReleaseOpened"))


RELEASE_FORGERIES = (
    one_more_leaves,
    nobody_leaves,
    another_batch_root,
    another_state,
    of_another_proposal,
    confirmed_another,
    confirmed_by_one,
    a_batch_left_out,
)


def entry(records: list[dict[str, Any]], result: str) -> dict[str, Any]:
    return next(record for record in records if record.get("result") == result)


def more_tickets(records: list[dict[str, Any]]) -> None:
    entry(records, "reserve")["tickets"] += 1


def another_winner(records: list[dict[str, Any]]) -> None:
    selected, reserve = entry(records, "selected"), entry(records, "reserve")
    for name in ("position", "key", "result", "reserve_position", "awards"):
        selected[name], reserve[name] = reserve[name], selected[name]


def another_value(records: list[dict[str, Any]]) -> None:
    event = next(record for record in records if record.get("event") == "SourceValueRecorded")
    event["body"]["value"] = "1.2.3.4.5.6./"


def earlier_value(records: list[dict[str, Any]]) -> None:
    event = next(record for record in records if record.get("event") == "SourceValueRecorded")
    event["body"]["due_at"] = event["body"]["recorded_at"] = "2018-09-15T02:00:00Z"


def greater_pledge(records: list[dict[str, Any]]) -> None:
    next(record for record in records if record["type"] == "pledges")["pledges"][0][1] += 10_000_000


def another_limit(records: list[dict[str, Any]]) -> None:
    opened = next(record for record in records if record.get("event") == "RoundOpened")["body"]
    opened["policy"]["limits"]["reserve"] = 1
    opened["policy_hash"] = json_hash(opened["policy"])


def one_officer(records: list[dict[str, Any]]) -> None:
    later = next(record for record in records if record["type"] == "later")["body"]
    later["actors"] = later["actors"][:1] * 2


def left_out(records: list[dict[str, Any]]) -> None:
    records.remove(entry(records, "not-selected"))


def yes_for_one(records: list[dict[str, Any]]) -> None:
    next(record for record in records if record["type"] == "entry" and record["firm"] == 1)["firm"] = True


def with_a_fraction(records: list[dict[str, Any]]) -> None:
    entry(records, "selected")["delivery_days"] = 30.0


def another_epoch(records: list[dict[str, Any]]) -> None:
    entry(records, "reserve")["drawn_under"] = 2


def said_again(records: list[dict[str, Any]], event: str, **changed: Any) -> None:
    """The same event once more behind the first, with something else in it."""
    place = next(number for number, record in enumerate(records) if record.get("event") == event)
    again = json.loads(json.dumps(records[place]))
    again["body"] |= changed
    records.insert(place + 1, again)


def second_value(records: list[dict[str, Any]]) -> None:
    said_again(records, "SourceValueRecorded", value="1.2.3.4.5.6./")


def second_opening(records: list[dict[str, Any]]) -> None:
    said_again(records, "RoundOpened")


def second_commitment(records: list[dict[str, Any]]) -> None:
    said_again(records, "InputsCommitted")


def second_proposal(records: list[dict[str, Any]]) -> None:
    said_again(records, "SelectionProposed")


def second_confirmation(records: list[dict[str, Any]]) -> None:
    later = next(number for number, record in enumerate(records) if record["type"] == "later")
    records.insert(later, json.loads(json.dumps(records[later])))


def commitment_of_a_later_epoch(records: list[dict[str, Any]]) -> None:
    said_again(records, "InputsCommitted", epoch=2)


def epoch_among_those_before(records: list[dict[str, Any]]) -> None:
    place = next(number for number, record in enumerate(records) if record["type"] == "pledges")
    friend = entry(records, "reserve")["application"]
    body = {"round": "bundled", "epoch": 2, "admitted": [friend], "judge_again": [friend], "judge_all": False}
    records.insert(place, {"type": "event", "event": "EpochOpened", "body": body})


def released_before_the_proposal(records: list[dict[str, Any]]) -> None:
    place = next(number for number, record in enumerate(records) if record["type"] == "pledges")
    leaving = [{"application": entry(records, "selected")["application"], "cause": "declined", "reason": "so"}]
    proposed = next(record for record in records if record.get("event") == "SelectionProposed")["body"]
    body = {"round": "bundled", "epoch": 1, "batch": 1, "leaving": leaving, "cancelled": [], "actors": []}
    body |= {"selection_root": proposed["selection_root"], "reason": "so", "opened_at": "2018-09-20T00:00:00Z"}
    records.insert(place, {"type": "event", "event": "ReleaseOpened", "body": body})


def judged_before_the_freeze(records: list[dict[str, Any]]) -> None:
    one, other = (
        next(number for number, record in enumerate(records) if record.get("event") == name)
        for name in ("RoundFrozen", "EligibilityCompleted")
    )
    records[one], records[other] = records[other], records[one]


def another_bucket(records: list[dict[str, Any]]) -> None:
    """The manifest's root stays, and one of its buckets has another."""
    applications = next(record["body"] for record in records if record.get("event") == "RoundFrozen")["applications"]
    applications["roots"][0] = "ab" * 32


def a_machine_confirms(records: list[dict[str, Any]]) -> None:
    next(record for record in records if record["type"] == "later")["body"]["actors"][1]["role"] = "system"


def one_person_under_two_spellings(records: list[dict[str, Any]]) -> None:
    actors = next(record for record in records if record["type"] == "later")["body"]["actors"]
    actors[1]["name"] = f" {actors[0]['name'].upper()} "


Forgery = Callable[[list[dict[str, Any]]], None]


FORGERIES: tuple[Forgery, ...] = (
    another_bucket,
    more_tickets,
    another_winner,
    another_value,
    earlier_value,
    greater_pledge,
    another_limit,
    one_officer,
    left_out,
    another_epoch,
    second_value,
    second_opening,
    second_commitment,
    second_proposal,
    second_confirmation,
    commitment_of_a_later_epoch,
    epoch_among_those_before,
    released_before_the_proposal,
    judged_before_the_freeze,
    a_machine_confirms,
    one_person_under_two_spellings,
)


MISTYPED: tuple[Forgery, ...] = (yes_for_one, with_a_fraction)


def opened(change: Callable[[dict[str, Any]], None], result: str = "selected") -> list[str]:
    records = records_of(BUNDLES[Depth.AUDITOR])
    change(entry(records, result))
    return examined(rewritten(records, Depth.AUDITOR)).differs
