"""How long properties look for what breaks them: one setting for all, `FIRSTBUY_TEST_EXAMPLES`.

It is the number of examples of an ordinary property, 100 where nothing is said. What is dearer or cheaper than an
ordinary one states its own number, which grows and shrinks with the setting.
"""

import os
from typing import Final

import hypothesis

ORDINARY: Final = 100
SETTING: Final = int(os.environ.get("FIRSTBUY_TEST_EXAMPLES") or ORDINARY)


def examples(usual: int) -> int:
    """So many where nothing is set; at least one."""
    return max(1, round(usual * SETTING / ORDINARY))


def load_profile() -> None:
    """No deadline: a busy machine is no fault of what is tested."""
    hypothesis.settings.register_profile("firstbuy", deadline=None, max_examples=examples(ORDINARY))
    hypothesis.settings.load_profile("firstbuy")
