"""The kept bundles, true and forged, and what verifiers find in each."""

import gzip
import json
from typing import Any

from tests.data.evidence.make import FOLDER

EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())


def kept(name: str) -> bytes:
    return gzip.decompress((FOLDER / f"{name}.jsonl.gz").read_bytes())
