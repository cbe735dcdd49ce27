"""국세청 사업자등록 상태조회 at odcloud.kr (data.go.kr 15081808).

From its published interface: `POST <url>/status` with `{"b_no": [up to 100 numbers]}`; the key as `serviceKey` in the
address or as `Authorization: Infuser <key>`, which we use, since proxies log addresses; the
answer's `status_code`, and in `data` of each number `b_stt_cd` (01 계속사업자, 02 휴업자, 03 폐업자), `end_dt` (day of
the closing, YYYYMMDD), and for a number that is not registered an empty `b_stt_cd` with `tax_type` saying so; errors as
`{"code": …, "msg": …}` or a `status_code` such as TOO_LARGE_REQUEST.

(assumed) `end_dt` is the first day out of business; of a suspended firm no date is given, so it is suspended.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from shared.contracts.facts import BusinessStatus
from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from shared.service.odcloud import Answer, OfNumber, rows
from shared.service.registry_calls import Address, UnsoundAnswerError, called, day

_STATUS: Final = {"01": BusinessStatus.ACTIVE, "02": BusinessStatus.SUSPENDED, "03": BusinessStatus.CLOSED}
_NOT_REGISTERED: Final = "등록되지 않은"


class _Row(OfNumber):
    b_stt_cd: str
    tax_type: str
    end_dt: str


_ROWS: Final = TypeAdapter(Answer[_Row])


class BusinessStatusRegistry:
    """A `RegistryAdapter` whose subjects are business numbers."""

    registry = Registry.BUSINESS_STATUS
    at_once = 100

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds

    async def ask(self, subjects: Sequence[str], now: datetime) -> list[RegistryAnswer]:
        headers = {"Authorization": f"Infuser {self._address.key()}", "Accept": "application/json"}
        url = f"{self._address.url.rstrip('/')}/status"
        content = await called("POST", url, self._seconds, json={"b_no": list(subjects)}, headers=headers)
        return [_answer(row, now) for row in rows(_ROWS, content, subjects)]


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
