"""The value types that contracts are made of.

All JSON is I-JSON (RFC 7493): no NUL, no lone surrogate, no integer above 2^53.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

I_JSON_MAX = 2**53 - 1


class Writing(StrEnum):
    """Kinds of text that routes read as people write them (`shared.reading.as_written`)."""

    LINE = "line"
    PROSE = "prose"
    CODE = "code"
    DIGITS = "digits"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Written:
    """The kind of a text. `groups`: how digits are grouped, such as 3-2-5. It is not part of the schema: readers of
    events see normalised values."""

    kind: Writing
    groups: tuple[int, ...] = ()


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("it is outside the calendar's years 1 to 9999, in UTC") from error


UtcTime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A time with an offset; stored in UTC."""

Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f]+$"),
    Written(Writing.LINE),
]
"""One line of text."""
DocumentNumber = Annotated[Line, Written(Writing.DOCUMENT)]
"""The number of a certificate or confirmation, in whatever form its authority gives it."""
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$"), Written(Writing.PROSE)]
"""Text of several lines without NUL, which PostgreSQL can't store."""

FileName = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
"""The name of a file, without a folder. It is never normalised: Hangul stays composed or decomposed as it came."""
MediaType = Annotated[str, StringConstraints(max_length=127, pattern=r"^[a-z]+/[a-z0-9][a-z0-9.+-]*$")]
"""The type of a file (RFC 6838)."""

LONGEST_EMAIL = 254
Email = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_EMAIL, strip_whitespace=True, pattern=r"^[^\x00-\x1f]+$")
]
"""An address (RFC 5321). Routes accept only deliverable ones (`shared.programme.mail_addresses`). It is never
normalised: a changed character could make it another person's."""

_CODE = Written(Writing.CODE)
RoundId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$"), _CODE]
PolicyId = RoundId
InstitutionCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}$"), _CODE]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$"), _CODE]
"""A stable lower-case code: of a rule, a track, a kind of certificate, a reason."""
Uuid = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"), _CODE
]
ApplicationId = Uuid
PartyId = Uuid
RequestId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}/[A-Za-z0-9._-]{1,64}$")]
"""`<institution code>/<the institution's own id>`: unique because the code is."""
RequestReference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"), _CODE]
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), _CODE]
Nonce = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""128 bits in hex, so that a published hash of few facts can't be guessed."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]+$")]
"""A reference to a resource (RFC 3986), absolute or relative."""

Base64 = Annotated[str, StringConstraints(max_length=100_000, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]

Count = Annotated[int, Field(strict=True, ge=0, le=I_JSON_MAX)]
Positive = Annotated[int, Field(strict=True, ge=1, le=I_JSON_MAX)]
Won = Annotated[int, Field(strict=True, ge=0, le=I_JSON_MAX)]
"""Korean won, which has no minor unit; VAT included."""
Version = Positive
Epoch = Positive


class Contract(BaseModel):
    """Frozen; readers pass over fields they do not know, so that a contract can grow."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Contract):
    """Who acted: the name and role of the token, never a person's address."""

    name: Line
    role: Code
