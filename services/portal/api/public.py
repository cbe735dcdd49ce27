"""Pages that anyone sees: rounds, one round with its rules, what became of it, and whether a product is eligible."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.portal.adapters.kept import Shown
from services.portal.adapters.services import RefusedThereError
from services.portal.api.answers import HEADERS, LANGUAGE, SHARED, language_of, page, public_page
from services.portal.api.choosing import choices_of, needs_of
from services.portal.api.forms import read_form
from services.portal.domain.asking import FIELDS, GROUPS, asked, facts_of
from services.portal.domain.fields import TRACK, field_at
from services.portal.domain.plain_rules import plain_tracks, ticket_rows
from services.portal.domain.rounds import Round, Summary, for_home
from services.portal.domain.texts import TEXTS, Texts
from services.portal.usecases.public import Public
from shared.contracts.events import Language
from shared.contracts.policy import Method
from shared.service.http import download

router = APIRouter(include_in_schema=False)
_YEAR: Final = 365 * 24 * 3600
_STALE_SECONDS: Final = 15.0
"""An answer that is older is shown with its age: the service does not answer."""


@router.get("/")
async def home(request: Request) -> Response:
    """Every round: open ones first."""
    texts = TEXTS[language_of(request)]
    shown = await public_of(request).rounds()
    said = said_of(shown, texts)

    def values() -> Mapping[str, Any]:
        opened, coming, past = for_home(shown.value)
        left = {each.round: left_of(each, texts) for each in opened}
        return {"opened": opened, "coming": coming, "past": past, "left": left, **said}

    return public_page(request, "home.html", (shown.version, *said.values()), values)


@router.get("/rounds/{round_id}")
async def show_round(round_id: str, request: Request) -> Response:
    """A round: window, state, rules in words, tickets, and what was published."""
    texts = TEXTS[language_of(request)]
    shown = await public_of(request).round(round_id)
    pledged = await public_of(request).pledged(round_id)
    found, said = shown.value, said_of(shown, texts)

    def values() -> Mapping[str, Any]:
        return {
            "round": found,
            "institutions": pledged.value,
            "tracks": plain_tracks(found.policy, texts),
            "tickets": ticket_rows(found.policy, texts),
            "drawn": found.policy.method is Method.WEIGHTED_DRAW,
            "published": _published(found),
            "left": left_of(found, texts),
            **said,
        }

    return public_page(request, "round.html", (shown.version, pledged.version, *said.values()), values)


@router.get("/rounds/{round_id}/results")
async def show_results(round_id: str, request: Request) -> Response:
    """Who was selected, and why others were not, in numbers."""
    texts = TEXTS[language_of(request)]
    found = await public_of(request).round(round_id)
    shown = await public_of(request).results(round_id)
    said = said_of(shown, texts)

    def values() -> Mapping[str, Any]:
        reasons = {code: _reason(code, texts) for code in shown.value.others}
        return {"round": found.value, "results": shown.value, "reasons": reasons, **said}

    return public_page(request, "results.html", (found.version, shown.version, *said.values()), values)


@router.get("/rounds/{round_id}/results.csv")
async def results_table(round_id: str, request: Request) -> Response:
    """The selected products as CSV (RFC 4180)."""
    results = (await public_of(request).results(round_id)).value
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(("position", "product", "tickets", "institution", "request", "quantity", "amount_won"))
    for row in results.selected:
        for award in row.get("awards", ()):
            told = (row["position"], row["product"], row["tickets"])
            table.writerow(
                map(
                    spreadsheet_cell,
                    (*told, award["institution"], award["request"], award["quantity"], award["amount_won"]),
                )
            )
    headers = HEADERS | {"Cache-Control": SHARED, "Content-Disposition": download(f"{round_id}-results.csv")}
    return Response("\ufeff" + written.getvalue(), headers=headers, media_type="text/csv")


@router.get("/rounds/{round_id}/check")
async def check_form(round_id: str, request: Request) -> Response:
    """The form that asks what the round's rules need."""
    return await _form(request, round_id, {}, {})


@router.post("/rounds/{round_id}/check")
async def check(round_id: str, request: Request) -> Response:
    """The verdict of what was typed. Nothing is stored."""
    typed = await read_form(request)
    language = language_of(request)
    texts = TEXTS[language]
    absent = {
        field.name: texts("check.required", field=texts(f"field.{field.name}"))
        for field in FIELDS
        if field.required and not typed.get(field.name, "").strip()
    }
    if absent:
        return await _form(request, round_id, typed, absent)
    found = (await public_of(request).round(round_id)).value
    try:
        verdict = await public_of(request).check(round_id, facts_of(typed), language)
    except RefusedThereError as refused:
        return await _form(request, round_id, typed, _errors(refused, texts))
    values = {"round": found, "typed": typed, **verdict_in_words(verdict, texts)}
    return page(request, "verdict.html", values)


@router.post("/language")
async def switch_language(request: Request) -> Response:
    """Keeps a language from now on, and leads back."""
    typed = await read_form(request)
    wanted, back = typed.get("language", ""), typed.get("back", "/")
    answer = RedirectResponse(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/", 303)
    if wanted in set(Language):
        secure = request.app.state.settings.secure
        answer.set_cookie(LANGUAGE, wanted, max_age=_YEAR, samesite="lax", httponly=True, secure=secure)
    return answer


@router.get("/assets/{name}")
async def asset(name: str, request: Request) -> Response:
    """A style or a script; its name has its hash, so it never changes."""
    file = request.app.state.pages.files.get(name)
    if file is None:
        return Response(status_code=404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(file.content, headers=headers, media_type=file.media_type)


def public_of(request: Request) -> Public:
    """What `app.py` made."""
    public: Public = request.app.state.public
    return public


def said_of(shown: Shown[Any], texts: Texts) -> dict[str, Any]:
    """The server's time, and since when it is silent."""
    now = datetime.now(UTC)
    since = texts.minute(now - timedelta(seconds=shown.age)) if shown.age > _STALE_SECONDS else None
    return {"now": texts.minute(now), "stale_since": since}


def verdict_in_words(verdict: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """A verdict for a page: its findings, what would help, and how it was read."""
    language = texts.language.value
    return {
        "verdict": verdict,
        "findings": verdict["findings_in_words"][language],
        "would_help": verdict["explanation"][language]["would_help"],
        "read_as": _read_as(verdict, texts),
    }


def left_of(round_: Summary, texts: Texts) -> str:
    """How long it is until the close."""
    minutes = max(0, int((round_.closes_at - round_.now).total_seconds()) // 60)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return texts("home.left_days", days=days, hours=hours)
    if hours:
        return texts("home.left_hours", hours=hours, minutes=minutes % 60)
    return texts("home.left_minutes", minutes=minutes)


def _published(found: Round) -> list[tuple[str, str]]:
    named = (
        ("commitment", "InputsCommitted", "commitment_root"),
        ("seed", "SelectionProposed", "seed"),
        ("selection", "SelectionConfirmed", "selection_root"),
    )
    values = ((name, found.published(kind, member)) for name, kind, member in named)
    return [(name, value) for name, value in values if value]


def _reason(code: str, texts: Texts) -> str:
    key = f"reason.{code}"
    return texts(key) if texts.has(key) else code


def spreadsheet_cell(value: object) -> object:
    """A text that a spreadsheet would run stands behind an apostrophe (CWE-1236)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _read_as(verdict: Mapping[str, Any], texts: Texts) -> list[tuple[str, str, str]]:
    """By field: what was typed, and as what it was read."""
    named = ((field_at(each["field"], FIELDS), each) for each in verdict.get("read_as", ()))
    return [(texts(f"field.{field.label}"), each["said"], each["read"]) for field, each in named if field]


def _errors(refused: RefusedThereError, texts: Texts) -> dict[str, str]:
    """By field. What points at none stands under the empty name."""
    found: dict[str, str] = {}
    for each in refused.errors:
        field = field_at(each["pointer"], FIELDS)
        name = field.name if field else ""
        label = texts(f"field.{name}") + ": " if name else ""
        fix = texts("check.fix")
        found.setdefault(name, f"{label}{each['detail'].rstrip('.')}. {fix}: {each['fix']}")
    return found or {"": refused.title}


async def _form(request: Request, round_id: str, typed: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    language = language_of(request)
    shown = await public_of(request).round(round_id)
    found = shown.value
    rules = needs_of(found).rules
    values = {
        "round": found,
        "groups": {name: asked(fields, rules) for name, fields in GROUPS.items()},
        "track": TRACK,
        "choices": choices_of(found, language),
        "typed": typed,
        "errors": errors,
    }
    if not typed and not errors:
        return public_page(request, "check.html", shown.version, lambda: values)
    return page(request, "check.html", values, status=422 if errors else 200)
