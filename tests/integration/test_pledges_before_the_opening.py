"""Selection hears of pledges before the public hears of their round, and says nothing of them."""

import asyncpg
import httpx2

from tests.conftest import StartStack


async def test_pledges_to_a_round_that_has_not_opened_are_not_shown(start_stack: StartStack) -> None:
    stack = await start_stack(services=("selection",))
    database = await asyncpg.connect(stack.database_url("selection"))
    await database.execute("INSERT INTO pledges (round, institution, won) VALUES ('secret', 'kepco', 5)")
    async with httpx2.AsyncClient(base_url=stack.url("selection")) as client:
        assert (await client.get("/rounds/secret/pledges")).json() == []
        await database.execute("INSERT INTO rounds (round) VALUES ('secret')")  # as its opening does
        (pledge,) = (await client.get("/rounds/secret/pledges")).json()
        assert pledge["pledge_won"] == 5
    await database.close()
