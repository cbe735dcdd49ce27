"""Problem details of RFC 9457: what is wrong with a request, where, and what to do about it."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from shared.contracts.events import Reason

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
        return problem_response(self.status, self.code, self.title, self.errors, self.headers)


def problem_response(
    status: int, code: str, title: str, errors: Sequence[Reason] = (), headers: dict[str, str] | None = None
) -> Response:
    body = {
        "type": f"urn:firstbuy:problem:{code}",
        "title": title,
        "status": status,
        "errors": [reason.model_dump() for reason in errors],
    }
    return Response(json.dumps(body, ensure_ascii=False), status, headers, PROBLEM)
