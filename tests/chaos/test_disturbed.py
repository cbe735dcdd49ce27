"""Killed, hung, added, fed with poison: what is selected from is what was admitted, and one id means one thing.

On a real Kafka and real processes. Every random choice comes from a seed that the failure names.
"""

import asyncio
import random

import pytest

from shared.contracts import topics
from shared.proof.merkle import digest_of
from tests.support.disturbing import (
    WINDOW_SECONDS,
    Firms,
    contents_of,
    disturb,
    equal_roots,
)
from tests.support.examples import examples
from tests.support.rounds import Office, clock_map, purchase_request, write_inbox

ROUNDS = examples(2)
"""How many rounds are disturbed; a longer run is a matter of this setting."""
FIRMS = 300


@pytest.mark.apache_kafka
@pytest.mark.parametrize("office", [{"eligibility": 3}], indirect=True)
@pytest.mark.soak
async def test_whatever_befalls_eligibility_what_is_selected_from_is_what_was_admitted(office: Office) -> None:
    for seed in range(ROUNDS):
        chance = random.Random(f"chaos {seed}")  # noqa: S311 -- to be repeated
        round_id = f"chaos-{seed}"
        await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
        await office.announce(round_id, rehearsal=clock_map(WINDOW_SECONDS, seed=round_id))
        await office.status(round_id, "open")
        firms = Firms(office, round_id, chance, [])
        entering = [firms.enter(number, chance.uniform(0, WINDOW_SECONDS - 5)) for number in range(FIRMS)]
        wanted = write_inbox(
            office.stack, "kepco", ("SubmitPurchaseRequest", round_id, purchase_request(round_id, "r"))
        )
        async with asyncio.TaskGroup() as group:
            for work in (*entering, wanted, disturb(office.stack, chance)):
                group.create_task(work)
        manifest = (await equal_roots(office, round_id))["applications"]
        assert len(firms.receipts) > FIRMS / 2, "most came before the close"
        assert manifest["root"] == digest_of(firms.standing()).root, f"accepted ⇔ in the manifest, seed {seed}"
        await contents_of(office.stack, topics.VERDICTS.name, topics.MILESTONES.name)


# Poison


# Inboxes about the close
