"""A bundle of evidence: the same root in both depths, and nothing in it can be changed unnoticed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from firstbuy.cli import assembled
from services.intake.domain.sources import Timetable, beacon_value, due_at
from services.selection import verify
from services.selection.domain.evidence import Depth
from services.selection.domain.releases import Freed
from shared.proof.canonical import json_hash
from shared.proof.merkle import GrowingTree, merkle_root
from tests.support.bundles import COMMITTED_AT, QUICKNET, SOURCE, make_round, with_batches
from tests.support.forger import records_of, rewritten
from tests.support.forgeries import (
    BUNDLES,
    FORGERIES,
    MISTYPED,
    RELEASE_FORGERIES,
    RELEASED,
    ROUND,
    Forgery,
    batches_of,
    examined,
    opened,
)

VERIFIER = Path(verify.__file__)
DEPTHS = pytest.mark.parametrize("depth", list(Depth))


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_a_growing_tree_is_the_tree(leaves: list[bytes]) -> None:
    growing, other = GrowingTree(), verify.Tree()
    for leaf in leaves:
        growing.add(leaf)
        other.add(leaf)
    assert growing.root == other.root() == merkle_root(leaves)


@DEPTHS
def test_a_true_bundle_has_nothing_that_differs(depth: Depth) -> None:
    report = examined(BUNDLES[depth])
    assert (report.differs, report.depth) == ([], depth.value)
    assert any("the selection root is" in line for line in report.checked)
    assert any("two officers" in line for line in report.checked)
    selected = [record for record in records_of(BUNDLES[depth]) if record.get("result") == "selected"]
    assert selected
    assert any(record["result"] == "reserve" for record in records_of(BUNDLES[depth]) if record["type"] == "entry")


def test_both_depths_have_one_root_and_the_public_one_names_only_the_selected() -> None:
    ends = [json.loads(bundle.splitlines()[-1]) for bundle in BUNDLES.values()]
    assert ends[0] == ends[1]
    public = BUNDLES[Depth.PUBLIC].decode()
    for one in ROUND.judged:
        named = one.facts["applicant"]["name"]
        taken = any(
            line.placement.application == one.application and line.placement.awards for line in ROUND.proposal.lines
        )
        others = [other for other in ROUND.judged if other.facts["applicant"]["name"] == named]
        if not taken and len(others) == 1:
            assert f'"{named}"' not in public
        assert one.facts["applicant"]["business_number"] not in public
        assert one.nonce not in public
        said = {"as_of": ROUND.policy["as_of"], "findings": one.findings, "policy_hash": json_hash(ROUND.policy)}
        assert json_hash(said) not in public, "who knows all that a firm stated could see that it applied"


@pytest.mark.parametrize(
    ("firms", "requests", "limits"),
    [
        (0, 0, {}),
        (1, 1, {}),
        (40, 0, {}),
        (60, 20, {"places": 3, "reserve": 0}),
        (120, 30, {"selections_per_firm": 2, "requests_per_product": 1, "reserve": None}),
    ],
)
def test_it_comes_to_the_same_selection_as_ours(firms: int, requests: int, limits: dict[str, Any]) -> None:
    """The verifier's matching is written anew: it agrees with the service's."""
    for seed in range(6):
        made = make_round(firms, requests, seed, {name: value for name, value in limits.items() if value is not None})
        for depth in Depth:
            assert examined(made.bundle(depth)).differs == []


@pytest.mark.parametrize("limits", [{}, {"places": 3}, {"selections_per_firm": 2, "requests_per_product": 3}])
def test_it_gives_out_the_same_batches_as_ours(limits: dict[str, Any]) -> None:
    moved = 0
    for seed in range(25):
        made = make_round(60, 20, seed, limits)
        report = examined(with_batches(made, *batches_of(made, Random(seed))).bundle(Depth.PUBLIC))  # noqa: S311
        assert report.differs == []
        told = [line for line in report.checked if "was given out again" in line]
        assert len(told) == 3
        moved += sum(" 0 promoted, 0 changed" not in line for line in told)
    assert moved > 10


@DEPTHS
@pytest.mark.parametrize("forge", RELEASE_FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forged_batch_is_found(depth: Depth, forge: "Forgery") -> None:
    records = records_of(RELEASED.bundle(depth))
    assert examined(rewritten(records, depth)).differs == []
    forge(records)
    assert examined(rewritten(records, depth)).differs


def test_a_batch_nobody_confirmed_is_said() -> None:
    waiting = with_batches(ROUND, Freed({}, frozenset()), confirmed=False)
    report = examined(waiting.bundle(Depth.PUBLIC))
    assert report.differs == []
    assert any("confirmed batch 1" in line for line in report.not_checked)


@DEPTHS
@given(data=st.data())
def test_one_bit_changed_anywhere_is_found(depth: Depth, data: st.DataObject) -> None:
    bundle = bytearray(BUNDLES[depth])
    place = data.draw(st.integers(0, len(bundle) - 1))
    bundle[place] ^= 1 << data.draw(st.integers(0, 7))
    assert examined(bytes(bundle)).differs


@DEPTHS
@given(data=st.data())
def test_a_line_left_out_repeated_or_moved_is_found(depth: Depth, data: st.DataObject) -> None:
    lines = BUNDLES[depth].splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(st.integers(0, len(lines) - 1).filter(lambda number: number != place))
    match data.draw(st.sampled_from(["drop", "repeat", "swap"])):
        case "drop":
            del lines[place]
        case "repeat":
            lines.insert(place, lines[place])
        case "swap":
            lines[place], lines[other] = lines[other], lines[place]
    assert examined(b"".join(lines)).differs


@DEPTHS
@pytest.mark.parametrize("forge", [*FORGERIES, *MISTYPED], ids=lambda forge: forge.__name__)
def test_what_is_forged_under_a_new_root_is_found(depth: Depth, forge: Forgery) -> None:
    """Whoever writes the whole bundle anew still has to come to what was committed and proposed."""
    records = records_of(BUNDLES[depth])
    assert examined(rewritten(records, depth)).differs == [], "writing it again changes nothing"
    forge(records)
    assert examined(rewritten(records, depth)).differs


def test_the_auditors_depth_holds_every_fact_against_what_was_decided() -> None:
    def lower(record: dict[str, Any]) -> None:
        record["open"]["facts"]["applicant"]["supply_record"]["won"] += 1

    def waive(record: dict[str, Any]) -> None:
        for finding in record["open"]["findings"]:
            finding["outcome"] = "waived"

    def pretend(record: dict[str, Any]) -> None:
        record["certificates"] = ["net"]

    def cheaper(record: dict[str, Any]) -> None:
        record["price_won"] -= 1

    def rename(record: dict[str, Any]) -> None:
        record["product"] = "다른 제품"

    def half_named(record: dict[str, Any]) -> None:
        record["applicant"] = "다른 기업"
        del record["product"]

    def named(record: dict[str, Any]) -> None:
        record["applicant"] = record["product"] = "선정되지 않은 것"

    assert any("payload_hash is not of these facts" in told for told in opened(lower))
    assert any("is waived is not what the policy waives" in told for told in opened(waive))
    assert any("certificates is" in told for told in opened(pretend))
    assert any("price_won is" in told for told in opened(cheaper, "reserve"))
    assert any("names are not those" in told for told in opened(rename))
    assert any("names are not those" in told for told in opened(half_named))
    assert any("names stand of who is selected" in told for told in opened(half_named))
    assert any("names stand of who is selected" in told for told in opened(named, "reserve"))


@pytest.mark.parametrize("kind", ["request", "entry"])
def test_the_auditors_depth_has_every_record_opened(kind: str) -> None:
    """Whoever writes it anew can't keep one record to himself, be it left closed or opened with nothing in it."""

    def examined_with(change: Callable[[dict[str, Any]], None]) -> list[str]:
        records = records_of(BUNDLES[Depth.AUDITOR])
        change(next(record for record in records if record["type"] == kind))
        return examined(rewritten(records, Depth.AUDITOR)).differs

    def closed(record: dict[str, Any]) -> None:
        del record["open"], record["sealed"]

    def empty(record: dict[str, Any]) -> None:
        record["open"] = {}

    def without_nonce(record: dict[str, Any]) -> None:
        record["open"]["nonce"] = None
        record["open"]["facts"]["note"] = "another"

    def shut(record: dict[str, Any]) -> None:
        del record["open"]

    assert any("sealed is not there" in told for told in examined_with(closed))
    assert any("nothing opened here" in told for told in examined_with(shut))
    assert any("nonce is not there" in told for told in examined_with(empty))
    assert any("nonce is null" in told for told in examined_with(without_nonce))


def test_a_root_you_hold_ties_it_to_what_was_published() -> None:
    proposed = next(told.body for told in ROUND.events if told.type == "SelectionProposed")
    held = {"commitment": proposed["commitment_root"], "selection": proposed["selection_root"]}
    assert examined(BUNDLES[Depth.PUBLIC], **held).differs == []
    other = make_round(seed=8).bundle(Depth.PUBLIC)
    assert len(examined(other, **held).differs) == 2, "true in itself, and not the round that was published"


def test_a_beacon_that_stood_second() -> None:
    """The lottery before it failed, so it decides; its value follows from its signature and the moment due."""
    signature = "b7" * 48
    due = due_at(COMMITTED_AT, 86400, [Timetable.of(SOURCE), Timetable.of(QUICKNET)])
    said: dict[str, Any] = {"source": "quicknet", "value": beacon_value(signature), "signature": signature}
    said |= {"beacon_round": Timetable.of(QUICKNET).number(due)}
    report = examined(make_round(sources=[SOURCE, QUICKNET], recorded=said).bundle(Depth.PUBLIC))
    assert report.differs == []
    assert any("lotto, which stands before it, gave no value in time" in line for line in report.not_checked)
    assert any("BLS" in line for line in report.not_checked)
    for wrong in ({"signature": "b8" * 48}, {"beacon_round": said["beacon_round"] + 1}):
        forged = make_round(sources=[SOURCE, QUICKNET], recorded=said | wrong).bundle(Depth.PUBLIC)
        assert any("drand round" in told for told in examined(forged).differs)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no head"),
        (b"\xff\n", "no JSON"),
        (b"[]\n", "no record"),
        (b'{"bundle":"firstbuy-evidence-v9","depth":"public","epoch":1,"round":"x"}\n', "no head"),
        (BUNDLES[Depth.PUBLIC][:-20], "no JSON"),
        (b"".join(BUNDLES[Depth.PUBLIC].splitlines(keepends=True)[:-1]), "cut off"),
    ],
)
def test_what_is_no_bundle_is_told_so(content: bytes, told: str) -> None:
    assert told in examined(content).differs[0]


@DEPTHS
def test_it_runs_where_no_package_is(depth: Depth, tmp_path: Path) -> None:
    """`-I -S`: no site-packages, no environment, nothing but the standard library and the one file."""
    verifier, bundle = tmp_path / "verify.py", tmp_path / "bundle.jsonl"
    verifier.write_bytes(VERIFIER.read_bytes())
    bundle.write_bytes(BUNDLES[depth])
    run = [sys.executable, "-I", "-S", str(verifier), str(bundle)]
    right = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (right.returncode, right.stderr) == (0, "")
    assert f"{depth} depth: nothing differs" in right.stdout
    bundle.write_bytes(BUNDLES[depth].replace(b'"tickets":6', b'"tickets":5', 1))
    wrong = subprocess.run([*run, "--json"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert json.loads(wrong.stdout)["differs"]


@DEPTHS
def test_what_nobody_confirmed_is_no_result(depth: Depth, tmp_path: Path) -> None:
    """Sound, and its exit code is another: a script that asks for 0 alone takes no proposal for a result."""
    records = [record for record in records_of(BUNDLES[depth]) if record["type"] != "later"]
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_bytes(rewritten(records, depth))
    run = subprocess.run([sys.executable, str(VERIFIER), str(bundle)], capture_output=True, text=True, check=False)
    assert run.returncode == 3, run.stdout
    assert "confirmed by nobody" in run.stdout
    assert CliRunner().invoke(assembled(), ["verify", "evidence", str(bundle)]).exit_code == 3


@pytest.mark.parametrize("root", ["", "ab", "AB" * 32, "g" * 64])
def test_a_root_that_is_none_is_refused_and_not_passed_over(root: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_bytes(BUNDLES[Depth.PUBLIC])
    for name in ("--commitment", "--selection"):
        run = [sys.executable, str(VERIFIER), str(bundle), f"{name}={root}"]
        assert subprocess.run(run, capture_output=True, check=False).returncode == 2
        assert CliRunner().invoke(assembled(), ["verify", "evidence", str(bundle), f"{name}={root}"]).exit_code == 2
