"""The document's contents in one language, as blocks. `pack.typ` lays them out and knows nothing of packs.

Every value is plain text: nothing that a firm wrote is read as markup. Fixed-width texts are hashes, paths and
commands.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from unicodedata import normalize

from services.selection.adapters.document.blocks import Block, Cell, facts, items, mono, paragraphs, quote, table
from services.selection.adapters.document.evidence import by_hand, proofs, published
from services.selection.adapters.document.words import Words
from shared.contracts.events import Language
from shared.programme.documents import kind_in_words
from shared.proof.signing import PublicKey
from shared.wording.written import day, moment, one_line, won

Pack = Mapping[str, Any]
ATTACHED: Final = "pack.json"


def sheet_of(pack: Pack, content: bytes, language: Language) -> dict[str, Any]:
    """The document of a pack. `content`: the pack as sent, which is attached and whose hash is quoted."""
    say = Words(language)
    round_id, application = pack["round"]["round"], pack["application"]["application"]
    product = one_line(pack["application"]["facts"]["product"]["name"])
    digest = hashlib.sha256(content).hexdigest()
    scored = pack["policy"]["method"] == "score"
    parts: list[tuple[str, list[Block]]] = [
        ("product", _product(pack, say)),
        ("result", _result(pack, say)),
        ("findings", _findings(pack, say)),
        ("score" if scored else "draw", _draw(pack, say)),
        ("confirmation", _confirmation(pack, say)),
        ("published", published(pack, say)),
        ("legal_note", _legal_note(pack, say)),
        ("by_hand", by_hand(pack, digest, say)),
        ("limits", [paragraphs(say("limits.intro")), items(pack["limits"][language.value])]),
        ("proofs", proofs(pack, say)),
    ]
    signed = datetime.fromisoformat(pack["confirmation"]["confirmed_at"])
    return {
        "language": language.value,
        "title": say("document.title"),
        "subtitle": say("document.subtitle", round_title=one_line(pack["round"]["title"]), product=product),
        "banners": _banners(pack, say),
        "purpose": say("document.purpose"),
        "stamp": facts([(say("document.file_hash"), mono(digest)), *_signature(pack, say)]),
        "sections": [{"heading": say(f"section.{name}"), "blocks": blocks} for name, blocks in parts],
        "footer": say("document.footer", round=round_id, application=application),
        "page": say("document.page", page="{page}", pages="{pages}"),
        "attachment": {"name": ATTACHED, "description": say("document.attachment")},
        "dated": [signed.year, signed.month, signed.day, signed.hour, signed.minute, signed.second],
    }


def _banners(pack: Pack, say: Words) -> list[str]:
    banners = []
    if pack["round"]["rehearsal"]:
        banners.append(say("banner.rehearsal"))
    if pack["round"]["unattended"]:
        banners.append(say("banner.unattended"))
    newer = pack["superseded_by"]
    if newer is not None:
        became = "still_selected" if newer["awards"] else "selected_no_more"
        confirmed_at = moment(newer["confirmed_at"], say.language)
        values = {"epoch": pack["epoch"], "newer": newer["epoch"], "confirmed_at": confirmed_at}
        banners.append(say("banner.superseded", became=say(f"banner.{became}"), **values))
    return banners


def _signature(pack: Pack, say: Words) -> list[tuple[str, Cell]]:
    signed = pack["signed"]
    return [
        (say("published.fingerprint"), mono(PublicKey(signed["public_key"]).fingerprint)),
        (say("published.signature"), mono(signed["signature"])),
    ]


def _product(pack: Pack, say: Words) -> list[Block]:
    application, policy, of_round = pack["application"], pack["policy"], pack["round"]
    applicant, product = application["facts"]["applicant"], application["facts"]["product"]
    language = say.language.value
    tracks = {track["track"]: track["name"][language] for track in policy["tracks"]}
    kinds = {kind["kind"]: kind["name"][language] for kind in policy["certificates"]}
    period = say(
        "product.period",
        opens_at=moment(of_round["opens_at"], say.language),
        closes_at=moment(of_round["closes_at"], say.language),
    )
    regions = ", ".join(product.get("regions") or ()) or say("product.whole_country")
    documents = _documents(application["facts"], say)
    rows: list[tuple[str, Cell]] = [
        (say("product.product"), one_line(product["name"])),
        (say("product.firm"), one_line(applicant["name"])),
        (say("product.business_number"), hyphened(applicant["business_number"])),
        (say("product.track"), tracks.get(application["facts"]["track"], application["facts"]["track"])),
        (say("product.class"), product.get("detailed_class") or product["class_code"]),
        *([(say("product.item"), product["item_id"])] if product.get("item_id") else []),
        (say("product.price"), won(product["price_won"], say.language)),
        (say("product.capacity"), say("product.units", count=f"{product['capacity']:,}")),
        (say("product.delivery"), say("product.days", days=product["delivery_days"])),
        (say("product.regions"), regions),
        (say("product.certificates"), "\n".join(_certificates(application["facts"], kinds, say))),
        *([(say("product.documents"), "\n".join(documents))] if documents else []),
        (
            say("product.application"),
            say("product.version", application=application["application"], version=application["version"]),
        ),
        (say("product.round"), say("product.named", name=one_line(of_round["title"]), code=of_round["round"])),
        (say("product.window"), period),
        (say("product.policy"), say("product.named", name=policy["title"][language], code=policy["policy"])),
        (say("product.policy_hash"), mono(of_round["policy_hash"])),
        (say("product.method"), say(f"method.{policy['method']}")),
    ]
    return [facts(rows)]


def _certificates(application_facts: Mapping[str, Any], kinds: Mapping[str, str], say: Words) -> list[str]:
    lines = []
    for certificate in application_facts.get("certificates", ()):
        named = {"kind": kinds.get(certificate["kind"], certificate["kind"]), "number": one_line(certificate["number"])}
        named["issued_on"] = certificate["issued_on"]
        if certificate.get("expires_on"):
            lines.append(say("product.certificate_until", **named, expires_on=certificate["expires_on"]))
        else:
            lines.append(say("product.certificate", **named))
    return lines or ["–"]


def _documents(application_facts: Mapping[str, Any], say: Words) -> list[str]:
    return [
        say(
            "product.document",
            kind=kind_in_words(document["kind"], say.language.value),
            name=one_line(normalize("NFC", document["name"])),
            sha256=document["sha256"],
        )
        for document in application_facts.get("documents") or ()
    ]


def _result(pack: Pack, say: Words) -> list[Block]:
    result, language = pack["result"], say.language
    until = result["status_until"]
    rows: list[tuple[str, Cell]] = [
        (say("result.result"), say(f"result.{result['result']}")),
        (
            say("result.position"),
            say("result.of_standing", position=f"{result['position']:,}", standing=f"{result['standing']:,}"),
        ),
        (
            say("result.counts"),
            say(
                "result.of_all",
                applications=f"{pack['round']['applications']:,}",
                **{name: f"{result[name]:,}" for name in ("selected", "reserve", "not_selected")},
            ),
        ),
        (say("result.confirmed_at"), moment(pack["confirmation"]["confirmed_at"], language)),
        *_release(pack, say),
        (say("result.status_until"), moment(until, language) if until else say("result.no_end")),
    ]
    awards: list[Sequence[Cell]] = [
        (
            one_line(award["institution_name"] or award["institution"]),
            mono(award["request"]),
            f"{award['quantity']:,}",
            won(award["amount_won"], language),
        )
        for award in result["awards"]
    ]
    awards.append(
        (
            say("result.total"),
            "",
            f"{sum(award['quantity'] for award in result['awards']):,}",
            won(sum(award["amount_won"] for award in result["awards"]), language),
        )
    )
    heads = [say(f"result.{name}") for name in ("institution", "request", "quantity", "amount")]
    return [facts(rows), table(heads, awards, widths=(4, 4, 1, 3), right=(2, 3), total=True)]


def _release(pack: Pack, say: Words) -> list[tuple[str, Cell]]:
    release = pack["release"]
    if release is None:
        return []
    became = "changed" if release["before"]["awards"] else "promoted"
    at = moment(release["confirmation"]["confirmed_at"], say.language)
    officers = ", ".join(one_line(actor["name"]) for actor in release["confirmation"]["actors"])
    summary = say(f"result.{became}", batch=release["batch"], confirmed_at=at, officers=officers)
    return [(say("result.release"), summary)]


def _findings(pack: Pack, say: Words) -> list[Block]:
    findings_told = pack["findings_in_words"][say.language.value]
    rows: list[Sequence[Cell]] = []
    for finding in findings_told:
        outcome = finding["outcome"]
        if finding["waived_by"]:
            outcome += "\n" + say("findings.waived_by", legal_source=finding["waived_by"])
        rule = finding["rule"] if finding["decides"] else f"○ {finding['rule']}"
        values = (one_line(finding[name]) or "–" for name in ("seen", "needed", "margin"))
        rows.append((rule, finding["legal_source"], *values, outcome))
    heads = [say(f"findings.{name}") for name in ("rule", "legal_source", "seen", "needed", "margin", "outcome")]
    as_of = day(datetime.fromisoformat(pack["verdict"]["as_of"]).date(), say.language)
    blocks = [
        paragraphs(say("findings.intro", as_of=as_of)),
        table(heads, rows, widths=(9, 9, 10, 11, 8, 11)),
    ]
    registry_lines = [f"{finding['rule']}: {line}" for finding in findings_told for line in finding["registries"]]
    if registry_lines:
        return [*blocks, paragraphs(say("findings.registries")), items(registry_lines)]
    asked = pack["policy"].get("registries")
    return [*blocks, paragraphs(say("findings.registries_not_kept" if asked else "findings.registries_none"))]


def _draw(pack: Pack, say: Words) -> list[Block]:
    drawn, language = pack["draw"], say.language
    value, source = drawn["value"], drawn["source"]
    under = next(each for each in pack["commitments"] if each["commitment_root"] == drawn["commitment_root"])
    described = say("draw.described", description=one_line(source["description"]), source=source["source"])
    return [
        facts(
            [
                *_score(pack, say),
                (say("draw.tickets"), say("draw.ticket_count", tickets=drawn["tickets"])),
                (say("draw.committed_at"), moment(under["committed_at"], language)),
                (say("draw.lead"), say("draw.seconds", seconds=f"{drawn['lead_seconds']:,}")),
                (say("draw.source"), described),
                (say("draw.due_at"), moment(value["due_at"], language)),
                (say("draw.recorded_at"), moment(value["recorded_at"], language)),
                *([(say("draw.beacon_round"), f"{value['beacon_round']}")] if value["beacon_round"] else []),
                (say("draw.value"), mono(value["value"])),
                (say("draw.seed"), mono(drawn["seed"])),
                (say("draw.ticket"), say("draw.ticket_number", ticket=drawn["ticket"], tickets=drawn["tickets"])),
                (say("draw.key"), mono(drawn["key"])),
            ]
        )
    ]


def _score(pack: Pack, say: Words) -> list[tuple[str, Cell]]:
    score, scoring = pack["entry"]["score"], pack["policy"].get("scoring")
    if score is None or scoring is None:
        return []
    threshold = scoring.get("threshold")
    name = "draw.points_threshold" if threshold else "draw.points"
    return [(say("draw.score"), say(name, score=f"{score:,}", threshold=threshold))]


def _confirmation(pack: Pack, say: Words) -> list[Block]:
    confirmed = pack["confirmation"]
    officers = "\n".join(
        say("confirmation.officer", name=one_line(actor["name"]), role=actor["role"]) for actor in confirmed["actors"]
    )
    return [
        paragraphs(say("confirmation.intro")),
        facts(
            [
                (say("confirmation.officers"), officers),
                (say("confirmation.reason"), one_line(confirmed["reason"])),
                (say("confirmation.confirmed_at"), moment(confirmed["confirmed_at"], say.language)),
            ]
        ),
    ]


def _legal_note(pack: Pack, say: Words) -> list[Block]:
    note = pack["legal_note"][say.language.value]
    return [
        quote(note["quoted"], note["statute"]),
        paragraphs(say("legal.says"), strong=True),
        items(note["says"]),
        paragraphs(say("legal.does_not_say"), strong=True),
        items(note["does_not_say"]),
    ]


def hyphened(business_number: str) -> str:
    """A 사업자등록번호 with its usual hyphens."""
    return f"{business_number[:3]}-{business_number[3:5]}-{business_number[5:]}"
