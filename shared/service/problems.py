"""Problem details of RFC 9457: what is wrong with a request, where, and what to do about it."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from shared.contracts.events import Language, Reason
from shared.wording.in_korean import said, told
from shared.wording.spoken import current

PROBLEM = "application/problem+json"


class Problem(Exception):  # noqa: N818 -- the term of RFC 9457
    """An answer of RFC 9457: what is wrong, where, and what to do about it."""

    def __init__(
        self, status: int, code: str, title: str, errors: Sequence[Reason] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> Response:
        """The answer, in the request's language."""
        return problem_response(self.status, self.code, self.title, self.errors, self.headers)


def problem_response(
    status: int,
    code: str,
    title: str,
    errors: Sequence[Reason] = (),
    headers: dict[str, str] | None = None,
    language: Language | None = None,
) -> Response:
    """A problem, by default in the request's language.

    Type, status, codes and pointers are the same in every language.
    """
    language = language or current()
    body = {
        "type": f"urn:firstbuy:problem:{code}",
        "title": said(title, language),
        "status": status,
        "errors": told(errors, language),
    }
    return Response(json.dumps(body, ensure_ascii=False), status, in_language(headers or {}, language), PROBLEM)


def in_language(headers: dict[str, str], language: Language | None = None) -> dict[str, str]:
    """The headers of an answer in a language, so that caches keep languages apart."""
    vary = ", ".join(filter(None, (headers.get("Vary"), "Accept-Language")))
    return {**headers, "Content-Language": (language or current()).value, "Vary": vary}
