"""Bodies applicants send: what can't be read or held is refused here, naming the field and the fix."""

from typing import Annotated, Any

from fastapi import Request
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from services.intake.domain.admission import ContactDetails
from shared.canonical import Json
from shared.contracts.events import Language
from shared.contracts.facts import Applicant, ApplicationFacts, Certificate, Product
from shared.contracts.values import Code, Contract, Line
from shared.http import Problem, reasons_of

Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$")
]


class ContactBody(Contract):
    name: Line
    email: Email
    phone: Line | None = None
    language: Language = Language.KO

    def details(self) -> ContactDetails:
        return ContactDetails(self.name, self.email, self.phone, self.language.value)


class SubmissionBody(Contract):
    """An application: the facts that decide, and whom to tell."""

    track: Code
    applicant: Applicant
    product: Product
    certificates: Annotated[tuple[Certificate, ...], Field(max_length=50)] = ()
    contact: ContactBody

    def facts(self) -> ApplicationFacts:
        return ApplicationFacts(
            track=self.track, applicant=self.applicant, product=self.product, certificates=self.certificates
        )


class WithdrawalBody(Contract):
    reason: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] = ""


SUBMISSION: TypeAdapter[SubmissionBody] = TypeAdapter(SubmissionBody)
CONTACT: TypeAdapter[ContactBody] = TypeAdapter(ContactBody)
WITHDRAWAL: TypeAdapter[WithdrawalBody] = TypeAdapter(WithdrawalBody)
_FACTS: TypeAdapter[ApplicationFacts] = TypeAdapter(ApplicationFacts)


def facts_json(facts: ApplicationFacts) -> Json:
    """The facts as JSON. What was not stated is left out, so that a later optional field changes no old hash."""
    value: Json = _FACTS.dump_python(facts, mode="json", exclude_none=True)
    return value


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; 415 when it is not JSON, 413 when it is longer than `limit` bytes."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "not-json", "Send the application as 'Content-Type: application/json'.")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Problem(413, "too-large", f"The body is longer than {limit} bytes: shorten the description.")
        chunks.append(chunk)
    return b"".join(chunks)


def parse(adapter: TypeAdapter[Any], body: bytes) -> Any:
    """400 when it is no JSON at all, 422 with a reason per field when a field is not as the contract says."""
    try:
        return adapter.validate_json(body, extra="forbid")
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise Problem(400, "unreadable", "The body is no JSON.", reasons_of(errors)) from error
        raise Problem(422, "invalid-fields", "Some fields can't be accepted.", reasons_of(errors)) from error
