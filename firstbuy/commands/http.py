"""Speaking HTTP to a deployment: where it is, whose token is sent, and what is printed when it says no."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer

from deploy.local.description import described
from deploy.local.state import State, StateUnusableError
from firstbuy.commands.screen import errors, fail
from firstbuy.yaml_file import UnreadableYamlError, document_of
from shared.reading.json_read import UnreadableJsonError, loaded
from shared.wording.spoken import current

Url = Annotated[
    str | None,
    typer.Option(envvar="FIRSTBUY_URL", help="Base URL of the service; else the local stack that runs."),
]
Token = Annotated[
    str | None,
    typer.Option(envvar="FIRSTBUY_TOKEN", help="Bearer token to act with; better in the environment than here."),
]
WRITTEN_IN_SECONDS: Final = 900
"""A sheet of a million rows takes minutes to write, and nothing of it is sent before it is."""
Identity = Annotated[
    str | None, typer.Option("--identity", help="What `firstbuy identity` printed: it shows that you are the firm.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


def ask(
    method: str,
    path: str,
    *,
    url: str | None,
    token: str | None = None,
    service: str = "intake",
    body: Any = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """The answer's JSON, or its text (None where there is none). A refusal is printed with every error and its fix,
    exit code 1."""
    sent = {**_said_by(token), **(headers or {})}
    if content is not None:
        sent.setdefault("Content-Type", "application/json")
    where = base_url(service, url)
    try:
        answer = httpx2.request(method, where + path, json=body, content=content, headers=sent, timeout=30)
    except httpx2.HTTPError as error:
        fail(f"{where} does not answer: {error or type(error).__name__}")
    if answer.status_code >= 400:
        refused(answer.status_code, answer.text)
    if not answer.content:
        return None
    kind = answer.headers.get("content-type", "").partition(";")[0]
    return answer.json() if kind.endswith(("/json", "+json")) else answer.text


def _said_by(token: str | None) -> dict[str, str]:
    """Whose token it is, and the language that answers shall have."""
    return {"Accept-Language": current().value} | ({"Authorization": f"Bearer {token}"} if token else {})


def download(path: str, target: Path | None, name: str, *, url: str | None, token: str | None) -> tuple[Path, int]:
    """Streams selection's answer into `target` (else `name`); the file and its size in bytes.

    It takes its name once it is whole, so that a file of that name never is half an answer."""
    where, sent = base_url("selection", url), _said_by(token)
    target = target or Path(name)
    part = target.with_name(f"{target.name}.part")
    try:
        with httpx2.stream("GET", where + path, headers=sent, timeout=WRITTEN_IN_SECONDS) as answer:
            if answer.status_code >= 400:
                answer.read()
                refused(answer.status_code, answer.text)
            with part.open("wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)
        size = part.stat().st_size
        part.replace(target)
    except httpx2.HTTPError as error:
        fail(f"{where} does not answer: {error or type(error).__name__}")
    except OSError as error:
        fail(f"{target}: {error.strerror}")
    return target, size


def base_url(service: str, url: str | None) -> str:
    """What was given, else the first replica of the running local stack."""
    if url:
        return url.rstrip("/")
    running = _running()
    if running is None:
        fail("no local stack runs: start one with `firstbuy up`, or name a deployment with --url or FIRSTBUY_URL")
    return str(running["services"][service][0]["url"])


def _running() -> dict[str, Any] | None:
    try:
        return described(State.opened())
    except StateUnusableError as error:
        fail(str(error))


def operator_token(token: str | None, url: str | None) -> str | None:
    """The token given; for the running local stack, else, its own first operator's."""
    if token or url or os.environ.get("FIRSTBUY_URL") or _running() is None:
        return token
    return State.opened().secret("operator-token")


def refused(status: int, text: str) -> None:
    """Problem details (RFC 9457) for people; ends the command."""
    try:
        problem = json.loads(text)
        title, reasons = problem["title"], problem.get("errors", [])
    except (ValueError, KeyError, TypeError):
        title, reasons = text[:500] or "no answer to read", []
    errors.print(f"{status}: {title}", style="red")
    for reason in reasons:
        where = reason.get("cell") or reason.get("pointer") or "/"
        errors.print(f"  {where}: {reason.get('detail', '')}")
        if reason.get("fix"):
            errors.print(f"    → {reason['fix']}", style="dim")
    raise typer.Exit(1)


def content_of(path: Path) -> bytes:
    """A file as it is; `-` is standard input."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def application_of(path: Path, identity: str | None) -> bytes:
    """An application's file, with what `firstbuy identity` printed where that is given."""
    if identity is None:
        return content_of(path)
    stated = read_json(path)
    return json.dumps(stated | {"identity": identity} if isinstance(stated, dict) else stated).encode()


def read_json(path: Path) -> Any:
    try:
        read = loaded(content_of(path))
    except UnreadableJsonError as error:
        fail(f"{path} is no JSON: {error}")
    if reasons := read.reasons():
        fail(f"{path}: {reasons[0].detail}: {reasons[0].fix}")
    return read.document


def read_yaml(path: Path) -> Any:
    """As JSON: a date is its text."""
    try:
        return document_of(path)
    except UnreadableYamlError as error:
        fail(str(error))
