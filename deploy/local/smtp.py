"""A mail server that keeps every message as one file: what the notices of a local round end in.

`python -m deploy.local.smtp --port 0 --folder DIR --port-file F`. One message, one `.eml`, with the envelope in
`X-Envelope-From` and `X-Envelope-To` headers; it appears by rename, whole. Ends on SIGTERM.
"""

import argparse
import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.ports import LOOPBACK
from deploy.local.process import write_atomically

LARGEST_MESSAGE = 32 * 1024 * 1024


class Folder:
    """aiosmtpd's handler. Names sort by arrival; the process id keeps those of an earlier run apart.

    Not a slotted dataclass: aiosmtpd looks at every member of its handler, which Python 3.11.2 cannot do with one; the
    server then closes each connection and logs nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._numbers = itertools.count()

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Aiosmtpd reads commands in a row as they come, and does not say so (RFC 2920)."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.store(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"")
        return "250 2.0.0 stored"

    def store(self, sender: str, recipients: list[str], content: bytes) -> None:
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers):08d}.eml"
        head = f"X-Envelope-From: <{sender}>\r\n" + "".join(
            f"X-Envelope-To: <{recipient}>\r\n" for recipient in recipients
        )
        partial = self.path / f".{name}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                file.write(head.encode("utf-8", "surrogateescape") + content)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        partial.rename(self.path / name)


@asynccontextmanager
async def served(folder: Path, port: int = 0) -> AsyncIterator[int]:
    """The port, for the block."""
    handler = Folder(folder)

    def session() -> SMTP:
        return SMTP(
            handler, hostname="localhost", ident="Firstbuy mail", enable_SMTPUTF8=True, data_size_limit=LARGEST_MESSAGE
        )

    server = await asyncio.get_running_loop().create_server(session, LOOPBACK, port, backlog=512)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def run(folder: Path, port: int, port_file: Path | None) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with served(folder, port) as bound:
        if port_file is not None:
            write_atomically(port_file, str(bound))
        await ended.wait()


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m deploy.local.smtp", description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--port-file", type=Path)
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(run(given.folder, given.port, given.port_file))


if __name__ == "__main__":
    main()
