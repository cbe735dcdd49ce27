"""국세청 사업자등록정보 진위확인 at odcloud.kr (data.go.kr 15081808).

From its published interface: `POST <url>/validate` with `{"businesses": [{"b_no", "start_dt" (YYYYMMDD), "p_nm", …}]}`,
the optional fields as empty texts; the key as `Authorization: Infuser <key>`; of each business `valid` is `01` where
number, day and name are of one firm, and `02` with a `valid_msg` where they are not.
"""

from typing import Final, Literal

from pydantic import TypeAdapter

from services.intake.domain.identity import Claimed
from shared.contracts.identity import IdentityLevel
from shared.service.odcloud import Answer, OfNumber, rows
from shared.service.registry_calls import Address, called

_OPTIONAL: Final = dict.fromkeys(("p_nm2", "b_nm", "corp_no", "b_sector", "b_type", "b_adr"), "")


class _Row(OfNumber):
    valid: Literal["01", "02"]


_ANSWER: Final = TypeAdapter(Answer[_Row])


class TaxService:
    """An `ApplicantIdentity` of the level `registry`."""

    level = IdentityLevel.REGISTRY

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds

    async def confirms(self, claimed: Claimed) -> bool:
        started = claimed.started_on.strftime("%Y%m%d")
        business = {"b_no": claimed.business_number, "start_dt": started, "p_nm": claimed.representative, **_OPTIONAL}
        headers = {"Authorization": f"Infuser {self._address.key()}", "Accept": "application/json"}
        url = f"{self._address.url.rstrip('/')}/validate"
        content = await called("POST", url, self._seconds, json={"businesses": [business]}, headers=headers)
        (row,) = rows(_ANSWER, content, [claimed.business_number])
        return row.valid == "01"
