"""A policy that asks registries."""

from typing import Any

from tests.support.registries import USES
from tests.support.rounds import policy_2018_h2


def asking_policy() -> dict[str, Any]:
    """2018-h2 in which whoever is not in business is kept out, startup or not."""
    asking = policy_2018_h2() | {"registries": USES}
    for track in asking["tracks"]:
        for waiver in track.get("waivers", ()):
            waiver["waives"] = [rule for rule in waiver["waives"] if rule != "business-active"]
    return asking
