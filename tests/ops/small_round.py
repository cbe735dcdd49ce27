"""A small round to its end on a deployment that is reached from here: `python -m tests.ops.small_round SECRETS`.

The office, the firms and the institutions are the demo's; what they send is its plan of some forty entries. It prints
what came of it as JSON, and ends with 1 where the round did not come to its end.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Callable
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
from shared.service.settings import KafkaSettings, SecurityProtocol

POLICY: Final = "2018-h2"
ENTRIES: Final = 40
WINDOW_SECONDS: Final = 25.0
PATIENCE: Final = 180.0
URLS: Final = {
    "intake": "http://localhost:8001",
    "eligibility": "http://localhost:8020",
    "selection": "http://localhost:8003",
    "notify": "http://localhost:8004",
}
RESULTS: Final = ("ProductSelected", "ProductReserved", "ProductNotSelected")


def deployment(secrets: Path) -> Target:
    """The deployment of `deploy/compose.yaml`, as its operator reaches it."""
    kafka = KafkaSettings(
        bootstrap_servers="localhost:9093",
        security_protocol=SecurityProtocol.SASL_SSL,
        sasl_username="admin",
        sasl_password=SecretStr((secrets / "kafka-admin-password").read_text()),
        ssl_ca_file=str(secrets / "authority.pem"),
    )
    return Target(
        urls=URLS,
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


async def hold(target: Target, round_id: str, during: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """The round from its announcement to the last notice; what was seen on the topics."""
    terms = load_yaml(ROUNDS / f"{POLICY}.yaml")
    institutions = terms["institutions"]
    pledges = [(each["institution"], each["pledge_won"]) for each in institutions]
    plan = make_plan(7, ENTRIES, round_id, load_policy(POLICY), pledges)
    office, writers = Office(target), InboxWriters(target.client, target.topic_prefix)
    observer = await Observer.started(target.client.client_arguments(), target.topic_prefix, round_id)
    try:
        await office.open_office(("officer-kim", "officer-lee"))
        passwords = await office.onboard({round_id: institutions})
        codes = [each["institution"] for each in institutions]
        await writers.start(codes, passwords)
        await observer.follow((*FOLLOWED, *map(topics.outbox, codes)))
        opens = datetime.now(UTC) + timedelta(seconds=3)
        told, _ = rehearsed({**terms["round"], "round": round_id}, opens, WINDOW_SECONDS, "ops")
        await office.announce(told, load_yaml(POLICIES / f"{POLICY}.yaml"), "a small round")
        seen = observer.seen(round_id)
        await _until(observer, lambda: bool(seen.of("RoundOpened")), "the round did not open")
        traffic = Traffic()
        senders = Senders(target.urls["intake"], round_id, traffic)
        await asyncio.gather(
            senders.send(plan.in_time, over_seconds=5), writers.write(plan.demand.in_time, over_seconds=5)
        )
        during()
        await _until(observer, lambda: bool(seen.of("SelectionProposed")), "nothing was proposed")
        await office.confirm(seen.of("SelectionProposed")[-1])
        await _until(observer, lambda: _told(seen), "not all were told")
        return _account(plan, traffic, observer, seen, len(passwords))
    finally:
        await observer.stop()
        await writers.stop()
        await office.close()


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
        "repeated": observer.repeated,
        "dead letters": observer.dead_letters,
    }


async def _until(observer: Observer, true: Callable[[], bool], complaint: str) -> None:
    if not await observer.until(true, PATIENCE):
        raise DemoFailedError(f"{complaint} in {PATIENCE:.0f} s")


def main() -> int:
    """Prints the account; the round's name may be given behind the folder."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder, *named = sys.argv[1:]
    try:
        account = asyncio.run(hold(deployment(Path(folder)), named[0] if named else "ops-1"))
    except DemoFailedError as fault:
        print(fault, file=sys.stderr)  # noqa: T201 -- a command of its own
        return 1
    print(json.dumps(account, ensure_ascii=False))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
