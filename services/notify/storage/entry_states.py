"""The notices of an entry, for whoever has the random link that its mails carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.notify.storage.deliveries import round_time
from shared.clock import TimeMap
from shared.contracts.events import Language
from shared.service.postgres import Connection

MOST_NOTICES: Final = 200
# Nothing for an address that is disowned or that the contact no longer has: it gets no mail either.
LANGUAGE = """
SELECT c.language FROM disowning_links l JOIN contacts c ON c.party = l.party AND c.address = l.address
WHERE l.link = $1 AND NOT EXISTS (SELECT FROM suppressions s WHERE s.address = l.address AND s.reason = 'not-me')
"""
NOTICES = """
SELECT d.subject, d.kind, d.facts, d.created_at, a.product, r.title_ko, r.title_en, r.rehearsal
FROM disowning_links l
JOIN deliveries d ON d.recipient = l.party AND d.channel = 'mail' AND d.facts <> '{}'
LEFT JOIN applications a ON a.application = d.subject
LEFT JOIN rounds r ON r.round = d.round
WHERE l.link = $1 AND d.subject <> d.recipient
ORDER BY d.created_at DESC, d.delivery LIMIT $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryNotice:
    """One notice about an application. `at`: when its delivery was created (real time)."""

    application: str
    kind: str
    facts: Mapping[str, Any]
    at: datetime
    product: str | None
    round_title: Mapping[str, str | None]
    time_map: TimeMap


async def language_of(connection: Connection, link: str) -> Language | None:
    """The language of the page; None for a link that shows nothing."""
    language = await connection.fetchval(LANGUAGE, link)
    return Language(language) if language else None


async def notices_of(connection: Connection, link: str) -> list[EntryNotice]:
    """The notices newest first, whether or not their mails have arrived."""
    return [
        EntryNotice(
            application=row["subject"],
            kind=row["kind"],
            facts=row["facts"],
            at=row["created_at"],
            product=row["product"],
            round_title={"ko": row["title_ko"], "en": row["title_en"]},
            time_map=round_time(row["rehearsal"]),
        )
        for row in await connection.fetch(NOTICES, link, MOST_NOTICES)
    ]
