"""What clients are answered for errors that routes raise: problem details of RFC 9457."""

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from shared.reading.json_read import reasons_of
from shared.service.postgres import DatabaseAwayError
from shared.service.problems import Problem, problem_response

_log = structlog.get_logger()


def add_error_handlers(app: FastAPI) -> None:
    """Whatever a route raises is answered as a problem, by its kind."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 -- registered for this class
        return error.response()

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for this class
        return problem_response(422, "invalid-fields", "Some fields can't be accepted.", reasons_of(error.errors()))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)  # noqa: S101 -- registered for this class
        return problem_response(error.status_code, f"http-{error.status_code}", str(error.detail))

    async def on_database_away(request: Request, error: Exception) -> Response:
        _log.warning("answers without the database", path=request.url.path, error=str(error))
        return problem_response(
            503, "storage-away", "Nothing was changed: send it again.", headers={"Retry-After": "2"}
        )

    async def on_nul(request: Request, error: Exception) -> Response:
        return problem_response(400, "unreadable", "There is a NUL in what was sent: no text here can hold one.")

    async def on_gone(request: Request, error: Exception) -> Response:
        _log.info("whoever sent it hung up in the middle of the body", path=request.url.path)
        return problem_response(400, "broken-off", "The body broke off: send it again.")

    async def on_fault(request: Request, error: Exception) -> Response:
        return problem_response(500, "fault", "This failed by a fault of ours: it was noted, send it again later.")

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(ClientDisconnect, on_gone)
    app.add_exception_handler(Exception, on_fault)
    app.add_exception_handler(asyncpg.CharacterNotInRepertoireError, on_nul)
    app.add_exception_handler(DatabaseAwayError, on_database_away)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(StarletteHTTPException, on_http)
