"""What a proposal states of what the evidence will show is what the evidence shows."""

import json
from random import Random
from uuid import UUID

from services.selection.domain.evidence import shown_leaf
from services.selection.storage import drawn, evidence
from shared.programme.certificates import AcceptedKinds
from shared.service.postgres import Connection, connected, open_pool
from tests.conftest import Database
from tests.data.facts import policy
from tests.support.rounds import application

ENTRIES, FIRMS, SELECTED = 60, 25, 7
AWARD = [{"request": "kepco/r1", "institution": "kepco", "quantity": 1, "amount_won": 1000}]


async def filled(connection: Connection) -> list[str]:
    """A round with entries of firms that have one, two or more, and results; the selected."""
    random = Random(7)  # noqa: S311 -- the same in every run
    identifiers = [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(ENTRIES)]
    for line, identifier in enumerate(identifiers, start=1):
        stated = application(random.randrange(FIRMS))
        facts = {name: stated[name] for name in ("track", "applicant", "product", "certificates")}
        facts["applicant"] = facts["applicant"] | {"name": f" 회사 {line} "}
        named = identifier, "shown", json.dumps(facts)
        await connection.execute(
            "INSERT INTO applications (application, version, round, party, payload_hash, facts, nonce, identity) "
            "VALUES ($1, 1, $2, $1, repeat('a', 64), $3::text::jsonb, repeat('b', 32), $4)",
            *named,
            random.choice(["none", "registry", None]),
        )
        await connection.execute(
            "INSERT INTO entries (round, epoch, application, version, outcome, tickets) "
            "VALUES ($2, 1, $1, 1, 'eligible', 1)",
            *named[:2],
        )
        await connection.execute(
            "INSERT INTO verdicts (application, version, epoch, round, payload_hash, outcome, findings_hash, findings) "
            "VALUES ($1, 1, 1, $2, repeat('a', 64), 'eligible', repeat('c', 64), '[]')",
            *named[:2],
        )
        await connection.execute(
            "INSERT INTO results (round, epoch, line, application, party, product, result, tickets, awards) "
            "VALUES ($2, 1, $3, $1, $1, 'p', 'selected', 1, $4)",
            *named[:2],
            line,
            AWARD if line <= SELECTED else [],
        )
    return identifiers[:SELECTED]


async def test_the_root_proposed_is_over_the_records_that_are_written(database: Database) -> None:
    rules = policy("2018-h2")
    accepted = AcceptedKinds.compile(rules.as_of, rules.certificates)
    pool = await open_pool(await database("selection"), 1, "test")
    async with connected(pool) as connection, connection.transaction():
        selected = set(await filled(connection))
        named = await drawn.offers(connection, "shown", 1, accepted)
        offers = {identifier: item.offer for identifier, item in named.items()}
        written = [record async for record, _ in evidence.entries(connection, "shown", 1, accepted)]
        shown = [record async for record in evidence.shown_entries(connection, "shown", 1, offers, selected)]
    await pool.close()
    assert [shown_leaf(record) for record in shown] == [shown_leaf(record) for record in written]
    assert len(written) == ENTRIES
    assert len({record["firm"] for record in written}) < ENTRIES, "some firms have several"
    assert {record["application"] for record in written if "applicant" in record} == selected
