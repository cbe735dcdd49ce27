"""HTTP in, for whoever has an entry's mails: its state, as one page without script or style.

A mail can be late, lost, or gathered with others; the page lists all notices so far, the newest first. Only recipients
of the mails know its address, and it shows nothing once the mail address is disowned or replaced.
"""

from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from services.notify.adapters.composing import ENTRY_PATH
from services.notify.adapters.rendering import Renderer
from services.notify.api.disowning import LINK, PAGE_HEADERS
from services.notify.domain.notices import TEMPLATES
from services.notify.domain.quoting import Ours, quoted
from services.notify.storage import entry_states
from services.notify.storage.entry_states import EntryNotice
from shared.contracts.events import Language
from shared.service.postgres import Pool, connected
from shared.wording.written import moment

_WORDS: Final = {
    Language.KO: ("신청의 현재 상태", "신청 번호", "가장 위가 가장 최근의 상태입니다.", "「", "」"),
    Language.EN: ("Where the entry stands", "Application", "The first line is the newest.", "“", "”"),
}
_UNKNOWN: Final = (
    "알 수 없는 링크입니다 / This link is not known",
    "연락처가 바뀌었거나 삭제되었을 수 있습니다. 가장 최근 메일의 링크를 사용해 주십시오.",
    "The contact may have been changed or erased. Use the link of the newest mail.",
)


def entry_router(pool: Callable[[], Pool], renderer: Renderer) -> APIRouter:
    """The page with an entry's state."""
    router = APIRouter(tags=["mails"], default_response_class=HTMLResponse)

    @router.get(ENTRY_PATH + "{link}")
    async def show_entry(link: str) -> Response:
        """What was told of the entry whose mails carry this link."""
        async with connected(pool()) as connection:
            language = await entry_states.language_of(connection, link) if LINK.fullmatch(link) else None
            notified = await entry_states.notices_of(connection, link) if language else []
        if language is None:
            explanation = "".join(f"<p>{paragraph}</p>\n" for paragraph in _UNKNOWN[1:])
            return HTMLResponse(_page(Language.KO, _UNKNOWN[0], explanation), 404, PAGE_HEADERS)
        return HTMLResponse(
            _page(language, _WORDS[language][0], _entries(notified, language, renderer)), 200, PAGE_HEADERS
        )

    return router


def _entries(notified: Sequence[EntryNotice], language: Language, renderer: Renderer) -> str:
    _, number, order, begin, end = _WORDS[language]
    html = ""
    for application, notices in groupby(
        sorted(notified, key=lambda entry: entry.application), lambda entry: entry.application
    ):
        each = list(notices)
        product = next((quoted(notice.product) for notice in each if notice.product), "")
        html += f"<h2>{begin}{escape(product)}{end}</h2>\n<p>{number} {escape(application)}. {order}</p>\n<ul>\n"
        html += "".join(f"<li>{escape(_line(notice, language, renderer))}</li>\n" for notice in each) + "</ul>\n"
    return html


def _line(notice: EntryNotice, language: Language, renderer: Renderer) -> str:
    """The time, and the subject of the mail."""
    title = Ours(notice.round_title[language.value] or "")
    values = {
        **notice.facts,
        "kind": notice.kind,
        "round_title": title,
        "reference": notice.application[:8],
        "count": 0,
    }
    subject = renderer.subject(TEMPLATES[notice.kind], language, values)
    return f"{moment(notice.time_map.programme(notice.at), language)}: {subject.partition('] ')[2] or subject}"


def _page(language: Language, title: str, content: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title></head>\n'
        f"<body>\n<main>\n<h1>{title}</h1>\n{content}</main>\n</body>\n</html>\n"
    )
