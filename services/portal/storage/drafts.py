"""Drafts, and what an account has of its applications: their tokens, sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.portal.domain.drafts import Draft, Replaces, Saved, Sending
from shared.service.postgres import Connection

_COLUMNS = (
    "draft::text, account::text, round, fields, saved, created_at, saved_at, replaces, sending, refused,"
    " application::text, upload_key, documents"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An application of an account. `token` opens it, and is sealed."""

    application: str
    round: str
    product: str
    token: bytes
    added_at: datetime


async def add(connection: Connection, draft: Draft) -> bool:
    """Keeps a new draft; False if there is one of this id."""
    tag = await connection.execute(
        "INSERT INTO drafts"
        " (draft, account, round, fields, saved, created_at, saved_at, replaces, upload_key, documents)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (draft) DO NOTHING",
        draft.draft,
        draft.account,
        draft.round,
        dict(draft.fields),
        {step: saved.as_json() for step, saved in draft.saved.items()},
        draft.created_at,
        draft.saved_at,
        draft.replaces.as_json() if draft.replaces else None,
        draft.upload_key,
        list(draft.documents),
    )
    return tag.endswith(" 1")


async def load(connection: Connection, account: str, draft: str, *, to_change: bool = False) -> Draft | None:
    """The account's draft; locked until the transaction ends if it is to be changed."""
    lock = " FOR UPDATE" if to_change else ""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM drafts WHERE account = $2 AND draft::text = $1{lock}",  # noqa: S608 -- only constants
        draft,
        account,
    )
    return _draft(row) if row else None


async def of_account(connection: Connection, account: str) -> list[Draft]:
    """Its drafts that became no application yet, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM drafts WHERE account = $1 AND application IS NULL"  # noqa: S608 -- only constants
        " ORDER BY saved_at DESC",
        account,
    )
    return [_draft(row) for row in rows]


async def store(connection: Connection, draft: Draft) -> None:
    """Writes all of a draft that can change."""
    await connection.execute(
        "UPDATE drafts SET fields = $2, saved = $3, saved_at = $4, replaces = $5, sending = $6, refused = $7,"
        " application = $8, documents = $9 WHERE draft = $1",
        draft.draft,
        dict(draft.fields),
        {step: saved.as_json() for step, saved in draft.saved.items()},
        draft.saved_at,
        draft.replaces.as_json() if draft.replaces else None,
        draft.sending.as_json() if draft.sending else None,
        dict(draft.refused) if draft.refused is not None else None,
        draft.application,
        list(draft.documents),
    )


async def delete(connection: Connection, account: str, draft: str) -> None:
    """Deletes a draft, unless it is being sent."""
    await connection.execute(
        "DELETE FROM drafts WHERE account = $2 AND draft::text = $1 AND sending IS NULL", draft, account
    )


async def waiting(connection: Connection, before: datetime, most: int) -> list[tuple[str, str]]:
    """Drafts that are being sent and were last tried before then: account and draft."""
    rows = await connection.fetch(
        "SELECT account::text, draft::text FROM drafts WHERE sending IS NOT NULL"
        " AND (sending->>'tried_at')::timestamptz < $1 ORDER BY sending->>'tried_at' LIMIT $2",
        before,
        most,
    )
    return [(row["account"], row["draft"]) for row in rows]


async def rounds(connection: Connection) -> list[str]:
    """The rounds that there are drafts of."""
    return [row["round"] for row in await connection.fetch("SELECT DISTINCT round FROM drafts")]


async def delete_of_rounds(connection: Connection, over: Sequence[str], before: datetime) -> int:
    """Deletes drafts of these rounds that nobody has touched since then."""
    tag = await connection.execute(
        "DELETE FROM drafts WHERE round = ANY($1) AND saved_at < $2 AND sending IS NULL", list(over), before
    )
    return int(tag.rpartition(" ")[2])


async def add_entry(connection: Connection, account: str, entry: Entry) -> None:
    """Keeps an application for an account, or its newer token."""
    await connection.execute(
        "INSERT INTO entries (account, application, round, product, token, added_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (account, application)"
        " DO UPDATE SET round = EXCLUDED.round, product = EXCLUDED.product, token = EXCLUDED.token",
        account,
        entry.application,
        entry.round,
        entry.product,
        entry.token,
        entry.added_at,
    )


async def entry(connection: Connection, account: str, application: str) -> Entry | None:
    """An application of the account."""
    row = await connection.fetchrow(
        "SELECT application::text, round, product, token, added_at FROM entries"
        " WHERE account = $1 AND application::text = $2",
        account,
        application,
    )
    return Entry(**row) if row else None


async def entries(connection: Connection, account: str) -> list[Entry]:
    """Its applications, the newest first."""
    rows = await connection.fetch(
        "SELECT application::text, round, product, token, added_at FROM entries WHERE account = $1"
        " ORDER BY added_at DESC, application",
        account,
    )
    return [Entry(**row) for row in rows]


async def remove_entry(connection: Connection, account: str, application: str) -> None:
    """Takes an application off an account's list; the application itself stands."""
    await connection.execute("DELETE FROM entries WHERE account = $1 AND application::text = $2", account, application)


def _draft(row: Any) -> Draft:
    return Draft(
        **{name: row[name] for name in ("draft", "account", "round", "fields", "created_at", "saved_at")},
        saved={step: Saved.of(saved) for step, saved in row["saved"].items()},
        replaces=Replaces.of(row["replaces"]) if row["replaces"] else None,
        sending=Sending.of(row["sending"]) if row["sending"] else None,
        refused=row["refused"],
        application=row["application"],
        upload_key=row["upload_key"],
        documents=row["documents"],
    )
