"""The first half beside the demo's round: what is sent of the sample, whose events are whose, how it is explained."""

import json
from dataclasses import replace
from io import StringIO
from typing import Any

from pydantic import TypeAdapter
from rich.console import Console

from firstbuy.commands.simulate import sampled
from firstbuy.demo.checks import first_half_checks
from firstbuy.demo.client import Traffic
from firstbuy.demo.first_half import STOPS, FirstHalf, mails_of, scripts_of
from firstbuy.demo.observer import Observer, Seen
from firstbuy.demo.two_policies import PAGE, compared, difference, first_half_section
from firstbuy.simulate.sample import APPLIED
from shared.contracts.facts import ApplicationFacts, product_key
from shared.kafka.cloudevents import TYPE_PREFIX, TYPE_SUFFIX
from shared.proof.merkle import digest_of
from tests.data.facts import policy

H1, H2 = policy("2018-h1"), policy("2018-h2")
SCRIPTS = scripts_of(H1)
RESULTS = sampled(H2)
_FACTS: TypeAdapter[ApplicationFacts] = TypeAdapter(ApplicationFacts)


def bodies(number: int) -> list[ApplicationFacts]:
    sent = [json.loads(call.body) for call in SCRIPTS[number].calls]
    return [_FACTS.validate_python({name: value for name, value in one.items() if name != "contact"}) for one in sent]


def test_the_whole_sample_is_sent_and_a_change_is_of_the_same_product() -> None:
    assert len(SCRIPTS) == APPLIED
    assert mails_of(SCRIPTS) > APPLIED, "some are changed"
    for number, script in enumerate(SCRIPTS):
        assert [call.expects for call in script.calls] == [201, 200][: len(script.calls)]
        stated = bodies(number)
        assert len({(one.applicant.business_number, product_key(one.product)) for one in stated}) == 1
    entered = {(bodies(n)[0].applicant.business_number, product_key(bodies(n)[0].product)) for n in range(APPLIED)}
    assert len(entered) == APPLIED
    assert scripts_of(H1) == SCRIPTS


class Record:
    def __init__(self, name: str, number: int, body: dict[str, Any]) -> None:
        self.headers = [("ce_type", f"{TYPE_PREFIX}{name}{TYPE_SUFFIX}".encode()), ("ce_id", str(number).encode())]
        self.value = json.dumps(body).encode()


def test_events_are_kept_with_their_round_and_those_of_none_with_the_main_one() -> None:
    observer = Observer("", "2018-h2", None)
    delivered = {"round": "2018-h1", "channel": "mail", "delivery": "d"}
    told = [
        ("NoticeDelivered", 1, delivered),
        ("NoticeDelivered", 1, delivered),
        ("InboxAnswered", 2, {"quotes": "offset:3"}),
        ("ApplicationJudged", 3, {"round": "2018-h2", "application": "a"}),
    ]
    for name, number, body in told:
        observer._keep("topic", Record(name, number, body))
    assert observer.seen("2018-h1").delivered == {"mail": 1}
    assert observer.repeated == 1
    assert list(observer.seen("2018-h2").bodies) == ["InboxAnswered", "ApplicationJudged"]
    assert observer.seen("2018-h2").judged == {"a"}


def test_the_judged_root_is_that_of_the_newest_verdicts_whatever_came_last() -> None:
    seen = Seen()
    verdicts = [
        {"application": "a", "version": version, "epoch": epoch, "payload_hash": f"{version}", "outcome": "eligible"}
        for version, epoch in ((2, 1), (1, 1), (2, 2), (2, 1), (1, 1))
    ]
    for verdict in verdicts:
        seen.keep("ApplicationJudged", verdict)
    root = digest_of([("a", 2, "2")]).root
    for epoch, of_epoch in ((2, root), (1, "older")):
        manifest = {"root": of_epoch, "count": 1}
        seen.keep("RoundFrozen", {"epoch": epoch, "applications": manifest})
        judged = {"epoch": epoch, "applications_root": of_epoch, "eligible": 1, "ineligible": 0}
        seen.keep("EligibilityCompleted", judged)
    first = FirstHalf((), Traffic(), seen, replace(RESULTS, examples=()))
    roots = [check for check in first_half_checks(first) if "root" in check.what]
    assert len(roots) == 2
    assert all(check.holds for check in roots), roots


def test_the_difference_is_explained_in_the_figures_of_the_replay() -> None:
    said = difference(RESULTS)
    startups = next(group for group in RESULTS.by_kind if group.name == "startup")
    assert startups.gained == RESULTS.gained
    assert f"{RESULTS.eligible[0]} met every condition of the first half, and {RESULTS.eligible[1]} would" in said
    assert f"{RESULTS.gained} more, none fewer. All of them count as startup" in said
    assert "Sales or credit alone had kept out 20 of the 171" in said
    assert "under either: certificate (32)." in said
    assert "set too high" in said
    assert "Nobody whom 2018-h1 refused" in difference(replace(RESULTS, gained=0))


def test_the_terminal_and_the_page_tell_the_same_and_the_page_links_the_simulators_own() -> None:
    console = Console(width=100, file=StringIO(), record=True)
    for table in compared(RESULTS):
        console.print(table)
    shown = " ".join(console.export_text().split())
    page = first_half_section(RESULTS)
    assert difference(RESULTS) in shown
    for text in ("set too high", STOPS.partition("'")[0], f'href="{PAGE}"', "<svg"):
        assert text in page
    assert page.count("<tr>") > len(RESULTS.by_rule)
