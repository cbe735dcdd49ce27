"""Forms as browsers send them: bounded, of this site alone."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from shared.service.http import read_bytes
from shared.service.problems import Problem

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES: Final = 65_536
_FIELDS: Final = 300
"""Those of fifty certificates, and what else a form has."""
_OURS: Final = {"same-origin", "none"}


async def read_form(request: Request) -> dict[str, str]:
    """What was typed, by field; what was chosen several times of one stands with commas between. Raises Problem: 403
    for a form of another site, 413, 415, 400."""
    of_this_site(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Problem(415, "not-a-form", f"Send the form as 'Content-Type: {FORM}'.")
    sent = await read_bytes(request, FORM_BYTES, f"The form is longer than {FORM_BYTES} bytes.")
    try:
        pairs = parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError as error:
        raise Problem(400, "unreadable", "The form can't be read.") from error
    if b"%00" in sent:
        raise Problem(400, "unreadable", "There is a NUL in what was sent: no text here can hold one.")
    typed: dict[str, str] = {}
    for name, value in pairs:
        typed[name] = f"{typed[name]}, {value}" if name in typed else value
    return typed


def of_this_site(request: Request) -> None:
    """Raises Problem 403 for what another site sent. A browser says where a form comes from, by one of two headers;
    other clients say nothing."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site is not None and site not in _OURS
    if foreign or (site is None and origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise Problem(403, "foreign-form", "This form was sent from another site.")
