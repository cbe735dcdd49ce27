"""A registry of certificates in the style of data.go.kr: one certificate per call, by number and product class.

From their published interfaces: `GET` with `serviceKey`; `response.header.resultCode` (00, 03 no data, 22 daily calls
used up, 30 and more the key), `response.body.items.item` as a list, as one object where there is one, and `items` as
an empty text where there is none; the gateway's own errors are always XML, with a `returnReasonCode`.

(assumed) the names of the parameters and fields, which differ from service to service: `certNo`, `prdctClsfcNo`,
`issuDt`, `vldEndDt`, `rvkDt`, `grade`, `bizrno` (whose certificate it is). Of several periods of one certificate the
one issued last counts.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from shared.service.registry_calls import Address, RegistryAwayError, UnsoundAnswerError, called, day

_ROWS: Final = 100
"""More periods than a certificate of one number ever had: an answer on several pages is refused."""
_FOUND, _NO_DATA = "00", "03"
_REASON: Final = re.compile(rb"<returnReasonCode>\s*([0-9]{1,4})\s*</returnReasonCode>")
_GRADE: Final = re.compile("[a-z0-9][a-z0-9-]{0,60}", re.ASCII)
_NUMBER: Final = re.compile("[0-9]{10}", re.ASCII)


class _Item(BaseModel):
    certNo: str  # noqa: N815 -- as the service writes it
    prdctClsfcNo: str  # noqa: N815
    issuDt: str  # noqa: N815
    vldEndDt: str  # noqa: N815
    rvkDt: str  # noqa: N815
    grade: str = ""
    bizrno: str = ""


class _Header(BaseModel):
    resultCode: str  # noqa: N815


class _Response(BaseModel):
    header: _Header
    body: dict[str, Any] = {}


class _Envelope(BaseModel):
    response: _Response


_ENVELOPE: Final = TypeAdapter(_Envelope)
_ITEMS: Final = TypeAdapter(list[_Item])


def plain(key: str) -> str:
    """data.go.kr issues each key plain and encoded; encoding the latter again would make another key."""
    return unquote(key) if "%" in key else key


class CertificateRegistry:
    """A `RegistryAdapter` whose subjects are `<kind>/<product class>/<number>`."""

    registry = Registry.CERTIFICATES
    at_once = 1

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds

    async def ask(self, subjects: Sequence[str], now: datetime) -> list[RegistryAnswer]:
        return [await self._ask(subject, now) for subject in subjects]

    async def _ask(self, subject: str, now: datetime) -> RegistryAnswer:
        _, class_code, number = subject.split("/", 2)
        parameters = {
            "serviceKey": plain(self._address.key()),
            "certNo": number,
            "prdctClsfcNo": class_code,
            "type": "json",
        }
        parameters |= {"pageNo": "1", "numOfRows": str(_ROWS)}
        content = await called("GET", self._address.url, self._seconds, params=parameters)
        items = _items(content)
        if any((item.certNo, item.prdctClsfcNo) != (number, class_code) for item in items):
            raise UnsoundAnswerError("the certificates answered are not the one asked")
        if not items:
            return RegistryAnswer(registry=self.registry, subject=subject, outcome=RegistryOutcome.UNKNOWN, said_at=now)
        return max((_answer(item, subject, now) for item in items), key=_newest)


def _items(content: bytes) -> list[_Item]:
    if content.lstrip()[:1] == b"<":
        reason = _REASON.search(content)
        raise RegistryAwayError(f"its gateway answers {reason[1].decode() if reason else 'in XML'}")
    try:
        response = _ENVELOPE.validate_json(content).response
        code = response.header.resultCode
        if code == _NO_DATA:
            return []
        if code != _FOUND:
            raise RegistryAwayError(f"resultCode {code[:8]}")
        written = response.body["items"]
        listed = written["item"] if written else []
        items = _ITEMS.validate_python(listed if isinstance(listed, list) else [listed])
        total = TypeAdapter(int).validate_python(response.body["totalCount"])
    except (ValidationError, KeyError, TypeError) as error:
        raise UnsoundAnswerError(f"its fields are not what they should be: {type(error).__name__}") from None
    if total != len(items):
        raise UnsoundAnswerError("it counts other items than it lists")
    return items


def _answer(item: _Item, subject: str, now: datetime) -> RegistryAnswer:
    grade, holder = item.grade.strip().lower(), item.bizrno.replace("-", "")
    issued_on = day(item.issuDt)
    if issued_on is None or (grade and not _GRADE.fullmatch(grade)) or (holder and not _NUMBER.fullmatch(holder)):
        raise UnsoundAnswerError("a certificate has no day of issue, or a grade or holder that is none")
    return RegistryAnswer(
        registry=Registry.CERTIFICATES,
        subject=subject,
        outcome=RegistryOutcome.KNOWN,
        said_at=now,
        issued_on=issued_on,
        expires_on=day(item.vldEndDt),
        revoked_on=day(item.rvkDt),
        grade=grade or None,
        holder=holder or None,
    )


def _newest(answer: RegistryAnswer) -> str:
    return f"{answer.issued_on} {answer.expires_on or '9999'}"
