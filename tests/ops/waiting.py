"""Waits for what an engine comes to by itself."""

import time
from collections.abc import Callable


def eventually(seen: Callable[[], bool], what: str, patience: float = 90) -> None:
    """Until it is so; fails after so many seconds."""
    end = time.monotonic() + patience
    while not seen():
        assert time.monotonic() < end, f"not in {patience:.0f} s: {what}"
        time.sleep(1)
