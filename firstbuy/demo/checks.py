"""What the topics and the APIs say, laid beside what the generator expects. A difference is never rounded away."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from firstbuy.demo.account import RESULTS, SELECTED, Account
from firstbuy.demo.audit import Audit
from firstbuy.demo.client import Traffic
from firstbuy.demo.contests import CONFIRMED, CONTESTED, STRANGER
from firstbuy.demo.course import Course, expected_notices
from firstbuy.demo.demand import ACCEPTED, FALSE_REPORT, REJECTED, Message
from firstbuy.demo.entries import AS_WRITTEN
from firstbuy.demo.figures import Figures
from firstbuy.demo.first_half import FirstHalf
from firstbuy.demo.generator import BEYOND, Plan
from firstbuy.demo.inbox_writers import Sent
from shared.programme.persons import spelled
from shared.proof.merkle import digest_of


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    expected: Any
    found: Any

    @property
    def holds(self) -> bool:
        return bool(self.expected == self.found)


def checked(course: Course, first: FirstHalf, account: Account, audit: Audit, figures: Figures) -> list[Check]:
    """Every check of the run, with its result."""
    plan = course.plan
    return [
        *_http(plan, course.traffic),
        *_entries(plan, course.traffic, account, course.apis),
        *_verdicts(plan, account, figures),
        *_registry(course, account),
        *_inboxes(plan, course.sent, account),
        *_beyond(plan, course.traffic),
        *_contests(plan, account),
        *_results(account, course.apis),
        *_money(plan, account, course.apis),
        *_roots(account, audit),
        *_order(account),
        *_notices(course, first, account),
        *first_half_checks(first),
    ]


def _http(plan: Plan, traffic: Traffic) -> Iterator[Check]:
    yield Check("HTTP answers by status", dict(sorted(plan.answers().items())), dict(sorted(traffic.statuses.items())))
    yield Check("calls answered otherwise than they must be", [], traffic.differing[:5])


def _beyond(plan: Plan, traffic: Traffic) -> Iterator[Check]:
    for what in (BEYOND, AS_WRITTEN, STRANGER, CONTESTED, CONFIRMED):
        yield Check(f"answered: {what}", plan.count(what), traffic.accepted[what])
    yield Check("entries that were told what was read otherwise", plan.count(AS_WRITTEN), traffic.read_otherwise)


def _contests(plan: Plan, account: Account) -> Iterator[Check]:
    count = plan.count(CONFIRMED)
    yield Check("versions of both parties that say contested", 2 * count, account.contested)
    yield Check("strangers' entries that gave way to the confirmed firm's", count, account.outranked)


def _sum(rows: Iterable[Mapping[str, Any]], column: str) -> int:
    return sum(row[column] or 0 for row in rows)


def _entries(plan: Plan, traffic: Traffic, account: Account, apis: Mapping[str, Any]) -> Iterator[Check]:
    fates = {(fate.business_number, fate.reference): fate for fate in plan.fates}
    standing = {key: fate.version for key, fate in fates.items() if not fate.withdrawn}
    yield Check("applications admitted (RoundFrozen)", plan.admitted, account.frozen["applications"]["count"])
    yield Check("applications admitted (manifest by the API)", plan.admitted, apis["manifest"]["applications"]["count"])
    found = {entry.key: entry.version for entry in account.entries}
    yield Check("applications that stand, by firm, product and version: differing", [], _differing(standing, found))
    yield Check("resubmissions", plan.count("resubmitted") + plan.count(CONFIRMED), account.resubmitted)
    gone = {key for key, fate in fates.items() if fate.withdrawn}
    yield Check("withdrawn, by firm and product: differing", [], sorted(gone ^ set(account.withdrawn))[:5])
    receipts = {(receipt.application, receipt.version): receipt.payload_hash for receipt in traffic.receipts}
    published = {(entry.application, entry.version): entry.payload_hash for entry in account.entries}
    wrong = [key for key, value in published.items() if receipts.get(key) != value]
    yield Check("applications whose payload hash is not their receipt's", [], wrong[:5])


def _verdicts(plan: Plan, account: Account, figures: Figures) -> Iterator[Check]:
    fates = {(fate.business_number, fate.reference): fate for fate in plan.fates if not fate.withdrawn}
    eligible = sum(fate.eligible for fate in fates.values())
    yield Check("eligible (verdicts)", eligible, figures.outcomes["eligible"])
    yield Check("eligible (EligibilityCompleted)", eligible, account.judged["eligible"])
    yield Check("ineligible (EligibilityCompleted)", plan.admitted - eligible, account.judged["ineligible"])
    expected = {key: dict(fate.findings) for key, fate in fates.items()}
    found = {entry.key: entry.findings for entry in account.entries}
    yield Check("verdicts with other findings than the firm was made for", [], _differing(expected, found))
    outcomes = {key: "eligible" if fate.eligible else "ineligible" for key, fate in fates.items()}
    judged = {entry.key: entry.outcome for entry in account.entries}
    yield Check("verdicts with another outcome than expected", [], _differing(outcomes, judged))
    by_h1 = sum(fate.eligible_without_waiver for fate in fates.values())
    yield Check("eligible under the first round's rules", by_h1, figures.h1_eligible)


def _registry(course: Course, account: Account) -> Iterator[Check]:
    """Nobody was judged without its answer, and many waited for it."""
    unsaid = [entry.key for entry in account.entries if not (entry.verdict or {}).get("evidence")]
    yield Check("verdicts that do not say what the registry said", [], unsaid[:5])
    yield Check("applications that waited for the registry, while it was down", True, course.pending > 0)
    yield Check(
        "calls to the registry for more numbers than it takes", [], [n for n in course.registry_calls if n > 100]
    )


def _inboxes(plan: Plan, sent: Sent, account: Account) -> Iterator[Check]:
    answers: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for answer in account.answers:
        answers.setdefault((answer["institution"], answer["quotes"]), []).append(answer)
    messages = plan.demand.messages
    yield Check("inbox messages sent", messages, len(sent))
    yield Check("inbox answers", messages, len(account.answers))
    odd = [key for key in sent.keys() | answers.keys() if len(answers.get(key, ())) != 1 or key not in sent]
    yield Check("inbox messages without exactly one answer", [], sorted(odd)[:5])
    wrong = [
        f"{message.what} of {institution}: {said[0]['answer']}"
        for (institution, quotes), message in sent.items()
        if (said := answers.get((institution, quotes))) and not _as_expected(message, said[0])
    ]
    yield Check("inbox messages answered otherwise than expected", [], wrong[:5])
    false = [key for key, message in sent.items() if message.what == FALSE_REPORT]
    refused = sum(said["answer"] == REJECTED for key in false for said in answers.get(key, ()))
    yield Check("reports that can not be true, refused", len(false), refused)
    expected = {name: (version, _plain(facts)) for name, (version, facts) in plan.demand.standing.items()}
    found = {name: (request["version"], _plain(request["facts"])) for name, request in account.requests.items()}
    yield Check("purchase requests that stand: differing", [], _differing(expected, found))
    yield Check("purchase requests that stand (RoundFrozen)", len(expected), account.frozen["requests"]["count"])


def _as_expected(message: Message, answer: Mapping[str, Any]) -> bool:
    codes = tuple(reason["code"] for reason in answer["reasons"])
    if message.reasons and message.reasons != codes:
        return False
    complete = all(reason["detail"] and reason["fix"] for reason in answer["reasons"])
    return bool(answer["answer"] == message.answer and complete)


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value not in (None, "", [], ())}


def _results(account: Account, apis: Mapping[str, Any]) -> Iterator[Check]:
    yield Check("results published", len(account.entries), account.results)
    yield Check("applications without a result", 0, sum(entry.result is None for entry in account.entries))
    counts = account.by_result()
    proposed = [account.proposed[name] for name in ("selected", "reserve", "not_selected")]
    yield Check("selected, reserve, not selected", proposed, [counts[name] for name in RESULTS.values()])
    by_api = Counter(RESULTS[row["result"]] for row in apis["results"]["results"])
    yield Check("the same by the API", proposed, [by_api[name] for name in RESULTS.values()])
    stray = sum(entry.result_kind == SELECTED and entry.outcome != "eligible" for entry in account.entries)
    yield Check("selected without being eligible", 0, stray)


def _money(plan: Plan, account: Account, apis: Mapping[str, Any]) -> Iterator[Check]:
    quantity: Counter[str] = Counter()
    money: Counter[str] = Counter()
    over: list[str] = []
    for entry in account.selected:
        product, awards = entry.facts["product"], entry.awards
        if sum(award["quantity"] for award in awards) > product["capacity"]:
            over.append(f"capacity of {entry.application}")
        for award in awards:
            facts = account.requests[award["request"]]["facts"]
            quantity[award["request"]] += award["quantity"]
            money[award["request"]] += award["amount_won"]
            if facts["class_code"] != product["class_code"]:
                over.append(f"class of {award['request']}")
            if product["price_won"] > (facts.get("price_ceiling_won") or product["price_won"]):
                over.append(f"ceiling of {award['request']}")
    for name, request in account.requests.items():
        if quantity[name] > request["facts"]["quantity"] or money[name] > request["facts"]["budget_won"]:
            over.append(f"quantity or budget of {name}")
    pledges = {institution["institution"]: institution["pledge_won"] for institution in account.opened["institutions"]}
    awarded = account.awarded()
    over += [f"pledge of {code}" for code, won in awarded.items() if won > pledges[code]]
    yield Check("capacities, classes, ceilings, budgets, quantities, pledges exceeded", [], over[:5])
    by_api = {row["institution"]: row["awarded_won"] for row in apis["pledges"]}
    yield Check("money awarded by institution (the API)", {code: awarded[code] for code in by_api}, by_api)
    reported = sum(from_json(report.body)["amount_won"] for report in plan.demand.reports if report.answer == ACCEPTED)
    yield Check("money contracted, by true reports alone (the API)", reported, _sum(apis["pledges"], "contracted_won"))


def _roots(account: Account, audit: Audit) -> Iterator[Check]:
    committed, proposed = account.committed, account.proposed
    admitted = account.frozen["applications"]["root"]
    yield Check("payload and findings hashes that are wrong", 0, audit.wrong_hashes)
    yield Check("admitted root, recomputed from applications", admitted, audit.admitted)
    yield Check("admitted root = root of what was judged", admitted, audit.judged)
    yield Check("admitted root = root of what was selected from", admitted, audit.selected_from)
    yield Check("admitted root = the judges' own", admitted, account.judged["applications_root"])
    yield Check("admitted root = the commitment's", admitted, committed["applications_root"])
    yield Check("requests root, recomputed", account.frozen["requests"]["root"], audit.requests)
    for name in ("requests", "verdicts", "entries", "pledges"):
        yield Check(f"{name} root of the commitment, recomputed", committed[f"{name}_root"], getattr(audit, name))
    yield Check("commitment root, recomputed", committed["commitment_root"], audit.commitment)
    yield Check("seed, recomputed from commitment and source", proposed["seed"], audit.seed)
    yield Check("selection root, drawn and matched again", proposed["selection_root"], audit.selection)
    yield Check("selection root over the published results", proposed["selection_root"], audit.selection_as_published)
    confirmed = [account.confirmed[key] for key in ("commitment_root", "selection_root")]
    yield Check("roots the officers confirmed", [committed["commitment_root"], proposed["selection_root"]], confirmed)


def _order(account: Account) -> Iterator[Check]:
    moments = [
        _moment(account.opened["closes_at"]),
        _moment(account.frozen["frozen_at"]),
        _moment(account.committed["committed_at"]),
        _moment(account.source["due_at"]),
        _moment(account.source["recorded_at"]),
        _moment(account.proposed["proposed_at"]),
    ]
    yield Check("close, freeze, commitment, source due, seed, proposal stand in this order", sorted(moments), moments)
    yield Check("the commitment stood before the seed was due", True, moments[2] < moments[3])
    lead = (moments[3] - moments[2]).total_seconds() >= account.opened["lead_seconds"]
    yield Check("by at least the announced lead", True, lead)
    yield Check("officers who confirmed", 2, len({spelled(actor["name"]) for actor in account.confirmed["actors"]}))


def _notices(course: Course, first: FirstHalf, account: Account) -> Iterator[Check]:
    mail, outbox = expected_notices(course.plan, course.seen)
    yield Check("mails delivered", mail, account.deliveries["mail"])
    yield Check("mails on disk, of both rounds", mail + first.mails, course.mails_on_disk)
    yield Check("outbox notices delivered", outbox, account.deliveries["outbox"])
    in_topics = sum(account.turns.values()) + len(account.award_notices)
    yield Check("outbox notices found in the institutions' topics", outbox, in_topics)
    yield Check("deliveries that failed", 0, account.failed_deliveries)
    yield Check("every delivery settled (notify's API)", True, course.apis["deliveries"]["settled"])
    yield Check("records in dead-letter topics", 0, course.observer.dead_letters)


def first_half_checks(first: FirstHalf) -> Iterator[Check]:
    """The set judged is the set admitted, and the simulator finds by the round's rules what eligibility decided."""
    seen, results = first.seen, first.results
    sent, round_id = len(first.scripts), results.round
    expected = dict(Counter(call.expects for script in first.scripts for call in script.calls))
    yield Check(f"{round_id}: HTTP answers by status", expected, dict(first.traffic.statuses))
    frozen, judged = (seen.newest("RoundFrozen") or {})["applications"], seen.newest("EligibilityCompleted") or {}
    verdicts = {application: event for application, (_, event) in seen.standing("ApplicationJudged").items()}
    yield Check(f"{round_id}: applications admitted (RoundFrozen)", sent, frozen["count"])
    yield Check(f"{round_id}: applications judged", sent, len(verdicts))
    leaves = ((verdict["application"], verdict["version"], verdict["payload_hash"]) for verdict in verdicts.values())
    yield Check(f"{round_id}: admitted root = root of what was judged", frozen["root"], digest_of(leaves).root)
    yield Check(f"{round_id}: admitted root = the judges' own", frozen["root"], judged["applications_root"])
    yield Check(f"{round_id}: applications the simulator read", sent, results.applied)
    counts = (judged["eligible"], judged["ineligible"])
    by_simulator = (results.eligible[0], results.applied - results.eligible[0])
    yield Check(f"{round_id}: eligible and not, by the judges and by the simulator", counts, by_simulator)
    moved = {application: "ineligible" if case.gained else "eligible" for application, case in results.examples}
    decided = {application: verdicts[application]["outcome"] for application in moved}
    yield Check(f"{round_id}: verdicts on those who change side: differing", [], _differing(moved, decided))
    yield Check(f"{round_id}: receipts by mail", first.mails, seen.delivered["mail"])
    yield Check(f"{round_id}: results published, without a panel's scores", 0, len(seen.standing(*RESULTS)))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _differing(expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> list[str]:
    """The first few keys whose values differ, with both values."""
    keys = [key for key in sorted(expected.keys() | found.keys()) if expected.get(key) != found.get(key)]
    return [f"{key}: {expected.get(key)} / {found.get(key)}" for key in keys[:5]]
