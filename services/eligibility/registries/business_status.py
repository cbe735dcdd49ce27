"""국세청 사업자등록 상태조회 at odcloud.kr (data.go.kr 15081808).

From its published interface: `POST <url>/status` with `{"b_no": [up to 100 numbers]}`; the key as `serviceKey` in the
address or as `Authorization: Infuser <key>`, which we use, since addresses are logged by whatever stands between; the
answer's `status_code`, and in `data` of each number `b_stt_cd` (01 계속사업자, 02 휴업자, 03 폐업자), `end_dt` (day of
the closing, YYYYMMDD), and for a number that is not registered an empty `b_stt_cd` with `tax_type` saying so; errors as
`{"code": …, "msg": …}` or a `status_code` such as TOO_LARGE_REQUEST.

(assumed) `end_dt` is the first day out of business; of a suspended firm no date is given, so it is suspended.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.contracts.facts import BusinessStatus
from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from shared.registry_calls import Address, RegistryAwayError, UnsoundAnswerError, called, day

_STATUS: Final = {"01": BusinessStatus.ACTIVE, "02": BusinessStatus.SUSPENDED, "03": BusinessStatus.CLOSED}
_NOT_REGISTERED: Final = "등록되지 않은"


class _Row(BaseModel):
    b_no: str
    b_stt_cd: str
    tax_type: str
    end_dt: str


class _Body(BaseModel):
    status_code: str | None = None
    code: int | None = None
    data: list[_Row] = []


_BODY: Final = TypeAdapter(_Body)


class BusinessStatusRegistry:
    """`RegistryAdapter`; its subjects are business numbers."""

    registry = Registry.BUSINESS_STATUS
    at_once = 100

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds

    async def ask(self, subjects: Sequence[str], now: datetime) -> list[RegistryAnswer]:
        headers = {"Authorization": f"Infuser {self._address.key}", "Accept": "application/json"}
        url = f"{self._address.url.rstrip('/')}/status"
        content = await called("POST", url, self._seconds, json={"b_no": list(subjects)}, headers=headers)
        return [_answer(row, now) for row in _rows(content, subjects)]


def _rows(content: bytes, subjects: Sequence[str]) -> list[_Row]:
    try:
        body = _BODY.validate_json(content)
    except ValidationError as error:
        raise UnsoundAnswerError(f"{error.error_count()} fields are not what they should be") from None
    if body.code is not None:
        raise RegistryAwayError(f"answers code {body.code}")
    if body.status_code != "OK":
        raise UnsoundAnswerError(f"status_code {str(body.status_code)[:40]}")
    if sorted(row.b_no for row in body.data) != sorted(subjects):
        raise UnsoundAnswerError("the numbers answered are not those asked")
    return body.data


def _answer(row: _Row, now: datetime) -> RegistryAnswer:
    registry, known = Registry.BUSINESS_STATUS, RegistryOutcome.KNOWN
    if not row.b_stt_cd and _NOT_REGISTERED in row.tax_type:
        return RegistryAnswer(registry=registry, subject=row.b_no, outcome=RegistryOutcome.UNKNOWN, said_at=now)
    status = _STATUS.get(row.b_stt_cd)
    if status is None:
        raise UnsoundAnswerError("b_stt_cd is none of 01, 02, 03")
    closed_on = day(row.end_dt) if status is BusinessStatus.CLOSED else None
    return RegistryAnswer(
        registry=registry, subject=row.b_no, outcome=known, said_at=now, status=status, closed_on=closed_on
    )
