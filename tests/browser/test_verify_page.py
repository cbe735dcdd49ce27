"""The page that checks a round's evidence, in a real browser: it finds what verify.py finds."""

from pathlib import Path
from random import Random
from typing import Any
from unicodedata import category

import httpx2
import pytest
from playwright.async_api import Page

from services.intake.domain.sources import Timetable, beacon_value, due_at
from services.selection.domain.evidence import Depth
from services.selection.verify import spelled as verifiers_spelling
from shared.programme.persons import spelled
from tests.support.both_verifiers import found_by_python, in_the_browser
from tests.support.bundles import COMMITTED_AT, QUICKNET, SOURCE, make_round, with_batches
from tests.support.forger import Level, recomputed, records_of, rewritten
from tests.support.forgeries import BUNDLES, FORGERIES, MISTYPED, RELEASE_FORGERIES, RELEASED, ROUND, batches_of, entry
from tests.support.serving import INSTITUTIONS, Served, shown

DEPTHS = pytest.mark.parametrize("depth", list(Depth))
SCORED = make_round(scored=True)


async def test_a_published_result_is_checked_and_shown(page: Page, served: Served) -> None:
    await page.goto(served.page("bundled", BUNDLES[Depth.PUBLIC]))
    assert served.asked == [], "nothing is asked before somebody asks"
    await page.get_by_role("button", name="Check the published evidence").click()
    seen = await shown(page)
    assert (seen.state, seen.differs) == ("right", [])
    assert "Nothing differs, and two officers confirmed it: 43 lines, public depth" in seen.status
    assert "round bundled, epoch 1." in seen.status
    assert any("Two officers confirmed exactly these roots: officer-1 and officer-2" in told for told in seen.checked)
    assert any("RoundNoticed" in told for told in seen.not_checked)
    assert len(seen.checked) == found_by_python(BUNDLES[Depth.PUBLIC])["checked"]

    institutions = {request["request"]: request["institution"] for request in ROUND.requests}
    facts = {one.application: one.facts for one in ROUND.judged}
    expected = [
        [
            str(line.position),
            facts[line.placement.application]["product"]["name"]
            + facts[line.placement.application]["applicant"]["name"],
            f"{INSTITUTIONS.get(institutions[award.request], institutions[award.request])} / {award.request}",
            f"{award.amount_won:,}",
        ]
        for line in sorted(ROUND.proposal.lines, key=lambda line: line.position or 0)
        for award in line.placement.awards
    ]
    assert seen.rows == expected


async def test_the_auditors_bundle_is_a_file_that_is_not_sent_anywhere(
    page: Page, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "bundle.jsonl"
    file.write_bytes(BUNDLES[Depth.AUDITOR])
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    await page.goto(served.page("bundled"))
    await page.get_by_label("Or check a file of yours").set_input_files(file)
    seen = await shown(page)
    assert (seen.state, seen.differs) == ("right", [])
    assert "auditor's depth" in seen.status
    assert any("firms are told apart" in told for told in seen.checked)
    assert served.asked == []
    assert all(one.startswith((f"GET {served.address}/", "GET data:")) for one in sent), sent


@DEPTHS
async def test_every_forgery_is_found(page: Page, served: Served, depth: Depth) -> None:
    forged = [rewritten(records_of(BUNDLES[depth]), depth)]
    for forge in FORGERIES:
        records = records_of(BUNDLES[depth])
        forge(records)
        forged.append(rewritten(records, depth))
    found = await in_the_browser(page, served, forged)
    assert found == [found_by_python(bundle) for bundle in forged]
    assert [bool(one["names"]) for one in found] == [False] + [True] * len(FORGERIES)


async def test_batches_of_releases_are_given_out_again(page: Page, served: Served) -> None:
    """The same of random batches as verify.py, and every forged one found."""
    bundles = []
    for seed in range(12):
        made = make_round(60, 20, seed, {"requests_per_product": 3})
        bundles.append(with_batches(made, *batches_of(made, Random(seed))).bundle(Depth.AUDITOR))  # noqa: S311
    for forge in RELEASE_FORGERIES:
        records = records_of(RELEASED.bundle(Depth.AUDITOR))
        forge(records)
        bundles.append(rewritten(records, Depth.AUDITOR))
    found = await in_the_browser(page, served, bundles)
    assert found == [found_by_python(bundle) for bundle in bundles]
    assert [bool(one["names"]) for one in found] == [False] * 12 + [True] * len(RELEASE_FORGERIES)


@DEPTHS
async def test_what_is_no_whole_number_is_found(page: Page, served: Served, depth: Depth) -> None:
    forged = []
    for forge in MISTYPED:
        records = records_of(BUNDLES[depth])
        forge(records)
        forged.append(rewritten(records, depth))
    assert await in_the_browser(page, served, forged) == [found_by_python(bundle) for bundle in forged]


@DEPTHS
async def test_one_bit_changed_anywhere_is_found_as_verify_py_finds_it(
    page: Page, served: Served, depth: Depth
) -> None:
    random = Random(f"bits-{depth}")  # noqa: S311 -- the same bits in every run
    changed = [BUNDLES[depth]]
    for _ in range(100):
        bundle = bytearray(BUNDLES[depth])
        bundle[random.randrange(len(bundle))] ^= 1 << random.randrange(8)
        changed.append(bytes(bundle))
    found = await in_the_browser(page, served, changed)
    assert [bool(one["names"]) for one in found] == [False] + [True] * 100
    assert found == [found_by_python(bundle) for bundle in changed]


@DEPTHS
async def test_a_line_left_out_repeated_or_moved_is_found(page: Page, served: Served, depth: Depth) -> None:
    random = Random(f"lines-{depth}")  # noqa: S311 -- the same lines in every run
    changed = []
    for how in ["drop", "repeat", "swap"] * 10:
        lines = BUNDLES[depth].splitlines(keepends=True)
        place, other = random.sample(range(len(lines)), 2)
        if how == "drop":
            del lines[place]
        elif how == "repeat":
            lines.insert(place, lines[place])
        else:
            lines[place], lines[other] = lines[other], lines[place]
        changed.append(b"".join(lines))
    assert await in_the_browser(page, served, changed) == [found_by_python(bundle) for bundle in changed]


async def test_it_comes_to_the_same_selection_as_the_service(page: Page, served: Served) -> None:
    """Its matching is the third one written, after the service's and verify.py's."""
    rounds = [
        make_round(firms, requests, seed, limits)
        for firms, requests, limits in (
            (0, 0, {}),
            (40, 0, {}),
            (60, 20, {"places": 3, "reserve": 0}),
            (120, 30, {"selections_per_firm": 2, "requests_per_product": 1}),
        )
        for seed in range(4)
    ]
    bundles = [made.bundle(depth) for made in rounds for depth in Depth]
    found = await in_the_browser(page, served, bundles)
    assert found == [found_by_python(bundle) for bundle in bundles]
    assert not any(one["names"] for one in found)


async def test_the_auditors_depth_has_every_record_opened(page: Page, served: Served) -> None:
    """Neither left closed, nor opened with nothing in it."""
    bundles = []
    for kind in ("request", "entry"):
        for closed in (True, False):
            records = records_of(BUNDLES[Depth.AUDITOR])
            record = next(record for record in records if record["type"] == kind)
            record["open"] = {}
            if closed:
                del record["open"], record["sealed"]
            bundles.append(rewritten(records, Depth.AUDITOR))
    records = records_of(BUNDLES[Depth.AUDITOR])
    del entry(records, "selected")["product"]
    bundles.append(rewritten(records, Depth.AUDITOR))
    found = await in_the_browser(page, served, bundles)
    assert found == [found_by_python(bundle) for bundle in bundles]
    assert all(one["names"] for one in found)


async def test_a_source_that_stood_second_is_checked_with_its_beacon(page: Page, served: Served) -> None:
    sources = [Timetable.of(SOURCE), Timetable.of(QUICKNET)]
    signature = "b7" * 48
    said: dict[str, Any] = {"source": "quicknet", "value": beacon_value(signature), "signature": signature}
    said |= {"beacon_round": Timetable.of(QUICKNET).number(due_at(COMMITTED_AT, 86400, sources))}
    wrong: list[dict[str, Any]] = [{}, {"signature": "b8" * 48}, {"beacon_round": said["beacon_round"] + 1}]
    made = [make_round(sources=[SOURCE, QUICKNET], recorded=said | one) for one in wrong]
    bundles = [one.bundle(depth) for one in made for depth in Depth]
    found = await in_the_browser(page, served, bundles)
    assert found == [found_by_python(bundle) for bundle in bundles]
    assert [bool(one["names"]) for one in found] == [False, False, True, True, True, True]


def scored(closed: str, depth: Depth) -> bytes:
    """A round under a score, whose panel's marks were closed as `closed` says."""
    forged = SCORED.forged(depth)
    body = forged.event("ScoresClosed")
    if closed == "never":
        forged.records = [record for record in forged.records if record.get("event") != "ScoresClosed"]
    elif closed == "others":
        body["marks_root"] = "0" * 64
    elif closed == "more":
        body["marks"] += 1
    elif closed == "fewer":
        body["marks"] -= 1
    elif closed == "wrong":
        entry(forged.records, "selected")["score"] += 1
        forged = recomputed(forged, Level.CHANCE)
    return forged.written()


async def test_a_score_is_made_of_the_marks_that_were_closed(page: Page, served: Served) -> None:
    how = ["right", "others", "wrong", "more", "fewer", "never"]
    bundles = [scored(closed, depth) for closed in how for depth in Depth]
    expected = [found_by_python(bundle) for bundle in bundles]
    names = {closed: expected[2 * place + 1]["names"] for place, closed in enumerate(how)}
    assert names["right"] == []
    assert names["others"] == ["marks"]
    assert names["more"] == names["fewer"] == ["marks-more"]
    assert "score" in names["wrong"]
    assert names["never"] == ["not-closed"]
    assert await in_the_browser(page, served, bundles) == expected


async def test_what_differs_is_named_with_its_line(page: Page, served: Served) -> None:
    records = records_of(BUNDLES[Depth.PUBLIC])
    changed = entry(records, "reserve")
    changed["tickets"] += 500  # so many that one of them is drawn before those it had
    line = records.index(changed) + 2  # the head is line 1
    await page.goto(served.page("forged", rewritten(records, Depth.PUBLIC)))
    await page.locator("#check").click()
    seen = await shown(page)
    assert seen.state == "wrong"
    assert any(told.startswith(f"Line {line}: The draw key of {changed['application']}") for told in seen.differs)


async def test_a_root_you_hold_ties_it_to_what_was_published(page: Page, served: Served) -> None:
    proposed = next(told.body for told in ROUND.events if told.type == "SelectionProposed")
    await page.goto(served.page("bundled", BUNDLES[Depth.PUBLIC]))
    await page.get_by_label("Commitment root").fill(proposed["commitment_root"].upper())
    await page.get_by_label("Selection root").fill("no root")
    await page.locator("#check").click()
    assert await page.get_by_label("Selection root").get_attribute("aria-invalid") == "true"
    assert served.asked == []
    await page.get_by_label("Selection root").fill("f" * 64)
    await page.locator("#check").click()
    seen = await shown(page)
    assert seen.differs == [f"The selection root is {proposed['selection_root']}, which is none that you hold"]
    assert any("commitment root is one you hold" in told for told in seen.checked)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no head"),
        (b"\xff\n", "no JSON"),
        (b"[]\n", "no record"),
        (BUNDLES[Depth.PUBLIC][:-20], "no JSON"),
        (b"".join(BUNDLES[Depth.PUBLIC].splitlines(keepends=True)[:-1]), "cut off"),
        (BUNDLES[Depth.PUBLIC] + b"{}\n", "something follows"),
    ],
)
async def test_what_is_no_bundle_is_told_so(page: Page, served: Served, content: bytes, told: str) -> None:
    await page.goto(served.page("broken", content))
    await page.locator("#check").click()
    assert told in (await shown(page)).differs[-1]


async def test_plain_http_from_elsewhere_is_checked_too(page: Page, served: Served) -> None:
    """It is no secure context, and has no WebCrypto: the page computes hashes itself."""
    address = served.page("bundled", BUNDLES[Depth.PUBLIC]).replace("127.0.0.1", "plain.test")
    await page.goto(address)
    assert await page.evaluate("globalThis.isSecureContext") is False
    await page.locator("#check").click()
    assert (await shown(page)).state == "right"


async def test_its_hashes_are_those_of_the_browser(page: Page, served: Served) -> None:
    """Of every length over several blocks, as text and as bytes, of one octet's prefix and of two hashes."""
    await page.goto(served.page("bundled"))
    differing = await page.evaluate(
        """async () => {
            const { sha256, sha256OfTwo } = await import("/verify/sha256.js");
            const theirs = async (bytes) => String(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
            const differing = [];
            for (const length of [...Array(300).keys(), 4095, 4096, 70000]) {
                const text = Array.from({ length }, (_, place) => ["a", "가", "é", "😀"][place % 4]).join("");
                const bytes = new TextEncoder().encode(text);
                const prefixed = new Uint8Array([1, ...bytes]);
                const right = [await theirs(bytes), await theirs(bytes), await theirs(prefixed)];
                const mine = [sha256(text), sha256(bytes), sha256(text, 1)];
                if (bytes.length < 4000) {
                    const half = bytes.length >> 1;
                    mine.push(sha256OfTwo(1, bytes.subarray(0, half), bytes.subarray(half)));
                    right.push(right[2]);
                }
                if (String(mine.map(String)) !== String(right)) differing.push(length);
            }
            return differing;
        }"""
    )
    assert differing == []


async def test_an_earlier_result_is_asked_for_by_its_epoch(page: Page, served: Served) -> None:
    await page.goto(served.page("bundled", BUNDLES[Depth.PUBLIC]) + "?epoch=1")
    await page.locator("#check").click()
    await shown(page)
    assert [one.partition("/rounds/")[2] for one in served.asked] == ["bundled/evidence?epoch=1"]


async def test_its_parts_are_served_with_types_and_asked_again_by_their_tag(served: Served) -> None:
    """Needs no browser."""
    async with httpx2.AsyncClient(base_url=served.address) as client:
        page = await client.get("/rounds/any/verify")
        script = await client.get("/verify/verify.js")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        for answer in (page, script):
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
            assert answer.headers["cache-control"] == "no-cache"
            known = {"If-None-Match": answer.headers["etag"]}
            again = await client.get(str(answer.url), headers=known)
            assert (again.status_code, again.content) == (304, b"")
        assert (await client.get("/verify/verify.py")).status_code == 404
        assert "unsafe" not in page.headers["content-security-policy"]


async def test_one_person_under_two_spellings_is_one_to_all(page: Page, served: Served) -> None:
    """Of every character that Unicode had when Python's tables were made, and within a name."""
    signs = [sign for sign in map(chr, range(0x110000)) if category(sign) not in ("Cn", "Cs", "Co")]
    names = [f"a{sign}B" for sign in signs]
    await page.goto(served.page("bundled"))
    read = "async (names) => { const { spelled } = await import('/verify/life.js'); return names.map(spelled); }"
    theirs = await page.evaluate(read, names)
    mine = {name: spelled(name) for name in names}
    assert {name: one for name, one in zip(names, theirs, strict=True) if one != mine[name]} == {}
    assert {name for name in names if verifiers_spelling(name) != mine[name]} == set()
