"""What an examination says: what was looked at, what differs, what it could not look at."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.proof.merkle import root_of_path

HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Findings:
    """What was looked at, in words. It is right when nothing differs."""

    checked: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    def say(self, right: bool, what: str, wrong: str) -> None:
        (self.checked if right else self.differs).append(what if right else wrong)


def lead(found: Findings, tree: str, leaf: bytes, proof: Mapping[str, Any], of: str = "") -> None:
    """Whether `<tree>_path` leads from the leaf at `index` of `count` to `<tree>_root`. `of`: whose proof it is, where
    there are several."""
    index, count, root = proof["index"], proof["count"], proof[f"{tree}_root"]
    led = root_of_path(leaf, index, count, [bytes.fromhex(node) for node in proof[f"{tree}_path"]])
    reached = "nowhere: it does not fit that place" if led is None else f"to {led.hex()}"
    found.say(
        led is not None and led.hex() == root,
        f"{of}{tree}_path leads from place {index} of {count} to {tree}_root {root}",
        f"{of}{tree}_path: from place {index} of {count} it leads {reached}, not to {tree}_root {root}",
    )
