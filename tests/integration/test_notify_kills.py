"""What a kill of notify can repeat: what was under way at that instant, at most eight mails and eight webhooks."""

import asyncio
import random
from collections import Counter
from functools import partial

import asyncpg
import pytest

from services.notify.adapters.webhooks import AT_ONCE
from services.notify.settings import NotifySettings
from tests.bench.notify import fill
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.notified import mails_in
from tests.support.receiver import Receiver, receiving

KILLS = 20
NOTICES = 3_000
EACH = NOTICES // 2
MOST = int(NotifySettings.model_fields["mail_connections"].default)


@pytest.mark.alone("notify sends as fast as it can, and is killed twenty times")
async def test_twenty_kills_under_load_repeat_what_was_under_way_and_list_it(start_stack: StartStack) -> None:
    chance = random.Random("kills")  # noqa: S311 -- moments of kills
    stack = await start_stack(services=("notify",))
    database = await asyncpg.connect(stack.database_url("notify"))
    still = "SELECT count(*) FROM deliveries WHERE state <> 'sent'"
    async with receiving() as receiver:
        await stack.stop("notify")
        await fill(stack, NOTICES, receiver.url(""))
        await stack.restart("notify")
        for _ in range(KILLS):
            got = len(receiver.got)
            await until(partial(more, receiver, got), "webhooks of a notify that was restarted", 60)
            await asyncio.sleep(chance.uniform(0, 0.1))
            await stack.kill("notify", stay_down=True)  # it would wait longer each time
            await stack.restart("notify")
        assert await database.fetchval(still) > 0, "every kill came under load"
        while await database.fetchval(still):
            await asyncio.sleep(0.2)
    mailed = Counter(str(mail["Message-ID"])[1:].partition("@")[0] for mail in mails_in(stack))
    hooked = Counter(headers["webhook-id"] for _, headers, _ in receiver.got)
    assert (len(mailed), len(hooked)) == (EACH, EACH), "nothing was lost"
    doubted = {str(row["delivery"]) for row in await database.fetch("SELECT delivery FROM deliveries WHERE doubts > 0")}
    for sent, most in ((mailed, MOST), (hooked, AT_ONCE)):
        repeated = sent - Counter(dict.fromkeys(sent, 1))
        print(f"{KILLS} kills repeated {repeated.total()} of {EACH}; {len(doubted)} are doubtful")  # noqa: T201 -- shown with -s
        assert repeated.total() <= KILLS * most
        assert set(repeated) <= doubted
    assert len(doubted) <= KILLS * (MOST + AT_ONCE), "and few others"
    assert not await database.fetchval("SELECT count(*) FROM under_way"), "no stage outlives what it is for"
    await database.close()


async def more(receiver: Receiver, than: int) -> bool:
    return len(receiver.got) > than + 2 * AT_ONCE
