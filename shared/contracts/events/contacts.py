"""`contacts.v1`: the only topic with names, addresses and numbers of persons."""

from enum import StrEnum

from shared.contracts.values import Contract, Line, PartyId, UtcTime


class Language(StrEnum):
    KO = "ko"
    EN = "en"


class ContactChanged(Contract):
    """The only event with a person's name, address or number. A tombstone of the key erases it."""

    party: PartyId
    name: Line
    email: Line
    phone: Line | None = None
    language: Language = Language.KO
    changed_at: UtcTime
