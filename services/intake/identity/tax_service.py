"""국세청 사업자등록정보 진위확인 at odcloud.kr (data.go.kr 15081808).

From its published interface: `POST <url>/validate` with `{"businesses": [{"b_no", "start_dt" (YYYYMMDD), "p_nm", …}]}`,
the optional fields as empty texts; the key as `Authorization: Infuser <key>`; of each business `valid` is `01` where
number, day and name are of one firm, and `02` with a `valid_msg` where they are not.
"""

from typing import Final, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from services.intake.domain.identity import Claimed
from shared.contracts.identity import IdentityLevel
from shared.registry_calls import Address, RegistryAwayError, UnsoundAnswerError, called

_OPTIONAL: Final = dict.fromkeys(("p_nm2", "b_nm", "corp_no", "b_sector", "b_type", "b_adr"), "")


class _Row(BaseModel):
    b_no: str
    valid: Literal["01", "02"]


class _Body(BaseModel):
    status_code: str | None = None
    code: int | None = None
    data: list[_Row] = []


_BODY: Final = TypeAdapter(_Body)


class TaxService:
    """`ApplicantIdentity` at the level `registry`."""

    level = IdentityLevel.REGISTRY

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds

    async def confirms(self, claimed: Claimed) -> bool:
        started = claimed.started_on.strftime("%Y%m%d")
        business = {"b_no": claimed.business_number, "start_dt": started, "p_nm": claimed.representative, **_OPTIONAL}
        headers = {"Authorization": f"Infuser {self._address.key}", "Accept": "application/json"}
        url = f"{self._address.url.rstrip('/')}/validate"
        content = await called("POST", url, self._seconds, json={"businesses": [business]}, headers=headers)
        return _row(content, claimed.business_number).valid == "01"


def _row(content: bytes, number: str) -> _Row:
    try:
        body = _BODY.validate_json(content)
    except ValidationError as error:
        raise UnsoundAnswerError(f"{error.error_count()} fields are not what they should be") from None
    if body.code is not None:
        raise RegistryAwayError(f"answers code {body.code}")
    if body.status_code != "OK":
        raise UnsoundAnswerError(f"status_code {str(body.status_code)[:40]}")
    if [row.b_no for row in body.data] != [number]:
        raise UnsoundAnswerError("the number answered is not the one asked")
    return body.data[0]
