"""The command as a process of its own, beside a running stack."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.support.rounds import PROJECT


async def firstbuy(*words: str) -> tuple[int, str]:
    """Exit code and everything printed."""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "firstbuy.cli", *words, cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await run.communicate()
    return run.returncode or 0, printed.decode()


def kept(folder: Path, name: str, document: Any) -> str:
    file = folder / name
    file.write_text(json.dumps(document))
    return str(file)
