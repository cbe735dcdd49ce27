"""Runs a module on one file in a process of its own, which has none of this one's environment."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

_PROJECT = Path(__file__).parents[3]
_STARTING_SECONDS = 10


async def run_apart(
    module: str, limits: Mapping[str, object], given: bytes | BinaryIO, seconds: int
) -> tuple[int, bytes, bytes]:
    """The exit code, the answer and the complaints of `python -m module LIMITS`, whose standard input is the file.

    `limits`: passed on as JSON; the module holds itself to them. `seconds`: of processor time among them. The code is
    negative where a signal ended it. Raises TimeoutError where it takes much longer; nothing of it outlives the call.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, json.dumps(limits)),
        stdin=asyncio.subprocess.PIPE if isinstance(given, bytes) else given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=_PROJECT,
        env={},  # keeps the passwords of this process away from the file
    )
    try:
        async with asyncio.timeout(_STARTING_SECONDS + 2 * seconds):
            answer, complaints = await process.communicate(given if isinstance(given, bytes) else None)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, answer, complaints
