"""Answers of the gateway odcloud.kr, for any registry behind it: `status_code` and `data`, or `code`."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.service.registry_calls import RegistryAwayError, UnsoundAnswerError


class OfNumber(BaseModel):
    """A row about one business number."""

    b_no: str


RowT = TypeVar("RowT", bound=OfNumber)


class Answer(BaseModel, Generic[RowT]):
    """An answer with rows, or with an error code."""

    status_code: str | None = None
    code: int | None = None
    data: list[RowT] = []


def rows(adapter: TypeAdapter[Answer[RowT]], content: bytes, asked: Sequence[str]) -> list[RowT]:
    """The rows, one for each number asked about. Raises RegistryAwayError, UnsoundAnswerError."""
    try:
        answer = adapter.validate_json(content)
    except ValidationError as error:
        raise UnsoundAnswerError(f"{error.error_count()} fields are not what they should be") from None
    if answer.code is not None:
        raise RegistryAwayError(f"answers code {answer.code}")
    if answer.status_code != "OK":
        raise UnsoundAnswerError(f"status_code {str(answer.status_code)[:40]}")
    if sorted(row.b_no for row in answer.data) != sorted(asked):
        raise UnsoundAnswerError("the numbers answered are not those asked")
    return answer.data
