"""Bodies that applicants send. Invalid fields are refused here, naming the field and the fix."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from services.intake.domain.documents import FILES_AT_MOST
from services.intake.domain.submissions import ContactDetails
from shared.contracts.events import Language
from shared.contracts.facts import Applicant, ApplicationFacts, Certificate, DocumentFile, Product
from shared.contracts.values import Code, Contract, Line, Text
from shared.programme.mail_addresses import MailableEmail


class ContactBody(Contract):
    """Who is notified about an application, by mail."""

    name: Line
    email: MailableEmail
    phone: Line | None = None
    language: Language = Language.KO

    def details(self, network: str | None = None) -> ContactDetails:
        """The contact as a domain value. `network`: where the request came from."""
        return ContactDetails(self.name, self.email, self.phone, self.language.value, network)


class FactsBody(Contract):
    """The facts that decide an application."""

    track: Code
    applicant: Applicant
    product: Product
    certificates: Annotated[tuple[Certificate, ...], Field(max_length=50)] = ()
    documents: Annotated[tuple[DocumentFile, ...], Field(max_length=FILES_AT_MOST)] = ()
    """As `POST /rounds/{round}/documents` answered each."""

    def facts(self) -> ApplicationFacts:
        return ApplicationFacts(
            track=self.track,
            applicant=self.applicant,
            product=self.product,
            certificates=self.certificates,
            documents=self.documents or None,
        )


class SubmissionBody(FactsBody):
    """An application: its facts, whom to notify, and what confirms the firm."""

    contact: ContactBody
    identity: Annotated[str, Field(max_length=500)] | None = None
    """The confirmation that `POST /identity` answered."""


class WithdrawalBody(Contract):
    """Why an application is withdrawn; may be empty."""

    reason: Annotated[Text, Field(max_length=2000)] = ""


SUBMISSION: TypeAdapter[SubmissionBody] = TypeAdapter(SubmissionBody)
CONTACT: TypeAdapter[ContactBody] = TypeAdapter(ContactBody)
WITHDRAWAL: TypeAdapter[WithdrawalBody] = TypeAdapter(WithdrawalBody)
