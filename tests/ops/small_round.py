"""A small round to its end on a deployment that is reached from here: `python -m tests.ops.small_round SECRETS`.

The office, the firms and the institutions are the demo's; what they send is its plan. It prints what came of it as
JSON, and ends with 1 where the round did not come to its end. On another deployment than that of `deploy/compose.yaml`,
`--reached` names a file: services' addresses under `urls`, how Kafka is reached under `kafka`.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from firstbuy.demo.client import Senders, Traffic
from firstbuy.demo.generator import Plan, make_plan
from firstbuy.demo.inbox_writers import InboxWriters
from firstbuy.demo.observer import FOLLOWED, Observer, Seen
from firstbuy.demo.office import POLICIES, ROUNDS, Office, load_policy, load_yaml, rehearsed
from firstbuy.demo.target import DemoFailedError, Target
from shared.contracts import topics
from shared.contracts.topics import Topic
from shared.service.settings import KafkaSettings, SecurityProtocol

POLICY: Final = "2018-h2"
URLS: Final = {
    "intake": "http://localhost:8001",
    "eligibility": "http://localhost:8020",
    "selection": "http://localhost:8003",
    "notify": "http://localhost:8004",
}
RESULTS: Final = ("ProductSelected", "ProductReserved", "ProductNotSelected")
OPEN: Final = "open"
"""Printed when the first firms enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How large the round is and how long it takes, in seconds. `partitions`: of topics spread by key; 0: as
    declared."""

    entries: int = 40
    window: float = 25.0
    entering: float = 5.0
    patience: float = 180.0
    partitions: int = 0


class Watching(Observer):
    """Passes over what a flood has written, which nobody can read."""

    def _keep(self, topic: str, record: Any) -> None:
        if ("ce_id", b"flood") not in record.headers:
            super()._keep(topic, record)


def deployment(secrets: Path, reached: Mapping[str, Any]) -> Target:
    """As its operator reaches it."""
    kafka = KafkaSettings(
        security_protocol=SecurityProtocol.SASL_SSL,
        sasl_username="admin",
        sasl_password=SecretStr((secrets / "kafka-admin-password").read_text()),
        ssl_ca_file=str(secrets / "authority.pem"),
        **{"bootstrap_servers": "localhost:9093", **reached.get("kafka", {})},
    )
    return Target(
        urls={**URLS, **reached.get("urls", {})},
        client=kafka,
        own_users=True,
        topic_prefix="firstbuy.",
        operator_token=(secrets / "operator-token").read_text(),
        mail_folder=Path(),
        logs=Path(),
        kafka={},
        postgres={},
        registries_url="",
        kept=True,
    )


async def hold(
    target: Target, round_id: str, course: Course, opened: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """The round from its announcement to the last notice; what was seen on the topics."""
    terms = load_yaml(ROUNDS / f"{POLICY}.yaml")
    institutions = terms["institutions"]
    pledges = [(each["institution"], each["pledge_won"]) for each in institutions]
    plan = make_plan(7, course.entries, round_id, load_policy(POLICY), pledges)
    office, writers = Office(target), InboxWriters(target.client, target.topic_prefix)
    observer = await Watching.started(target.client.client_arguments(), target.topic_prefix, round_id)
    try:
        await office.open_office(("officer-kim", "officer-lee"))
        passwords = await office.onboard({round_id: institutions})
        codes = [each["institution"] for each in institutions]
        await writers.start(codes, passwords)
        await observer.follow(made(topic, course) for topic in (*FOLLOWED, *map(topics.outbox, codes)))
        opens = datetime.now(UTC) + timedelta(seconds=3)
        told, _ = rehearsed({**terms["round"], "round": round_id}, opens, course.window, "ops")
        await office.announce(told, load_yaml(POLICIES / f"{POLICY}.yaml"), "a small round")
        seen = observer.seen(round_id)
        await _until(observer, course, lambda: bool(seen.of("RoundOpened")), "the round did not open")
        opened()
        traffic = Traffic()
        senders = Senders(target.urls["intake"], round_id, traffic)
        await asyncio.gather(
            senders.send(plan.in_time, over_seconds=course.entering),
            writers.write(plan.demand.in_time, over_seconds=course.entering),
        )
        await _until(observer, course, lambda: bool(seen.of("SelectionProposed")), "nothing was proposed")
        await office.confirm(seen.of("SelectionProposed")[-1])
        await _until(observer, course, lambda: _told(seen), "not all were told")
        return _account(plan, traffic, observer, seen, len(passwords))
    finally:
        await observer.stop()
        await writers.stop()
        await office.close()


def made(topic: Topic, course: Course) -> Topic:
    """With as many partitions as it was made with."""
    return replace(topic, partitions=topic.partitioned(course.partitions))


def _told(seen: Seen) -> bool:
    """Whether every entry of the frozen set has its result, and its firm three mails: receipt, verdict, result."""
    entries = len(seen.admitted) - len(seen.of("ApplicationWithdrawn"))
    return sum(len(seen.of(name)) for name in RESULTS) >= entries and seen.delivered["mail"] >= 3 * entries


def _account(plan: Plan, traffic: Traffic, observer: Observer, seen: Seen, users: int) -> dict[str, Any]:
    frozen = seen.of("RoundFrozen")[-1]["applications"]
    completed = seen.of("EligibilityCompleted")[-1]
    return {
        "sent": traffic.sent,
        "planned": len(plan.in_time),
        "institutions with users": users,
        "not as expected": traffic.differing,
        "frozen": frozen["count"],
        "judged": completed["eligible"] + completed["ineligible"],
        "results": {name: len(seen.of(name)) for name in RESULTS},
        "delivered": dict(seen.delivered),
        "roots": _roots(seen),
        "repeated": observer.repeated,
        "dead letters": observer.dead_letters,
    }


def _roots(seen: Seen) -> dict[str, Any]:
    """What a round with the same seed ends in, whatever befell it."""
    judged, committed, proposed = (
        seen.of(name)[-1] for name in ("EligibilityCompleted", "InputsCommitted", "SelectionProposed")
    )
    return {
        "admitted": seen.of("RoundFrozen")[-1]["applications"]["root"],
        "judged": judged["verdicts"]["root"],
        "committed": proposed["commitment_root"],
        "taken": committed["applications_root"],
        "selected": proposed["selection_root"],
        "products": sorted(each["application"] for each in seen.of("ProductSelected")),
    }


async def _until(observer: Observer, course: Course, true: Callable[[], bool], complaint: str) -> None:
    if not await observer.until(true, course.patience):
        raise DemoFailedError(f"{complaint} in {course.patience:.0f} s")


def main() -> int:
    """Prints that it is open, then the account."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    options = argparse.ArgumentParser(prog="python -m tests.ops.small_round")
    options.add_argument("secrets", type=Path)
    options.add_argument("round", nargs="?", default="ops-1")
    options.add_argument("--reached", type=Path)
    options.add_argument("--course", type=json.loads, default={})
    given = options.parse_args()
    target = deployment(given.secrets, json.loads(given.reached.read_text()) if given.reached else {})
    try:
        account = asyncio.run(hold(target, given.round, Course(**given.course), lambda: print(OPEN, flush=True)))  # noqa: T201 -- a command of its own
    except DemoFailedError as fault:
        print(fault, file=sys.stderr)  # noqa: T201
        return 1
    print(json.dumps(account, ensure_ascii=False))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
