"""Checks the documents that an application names, and takes down that it names them."""

from collections.abc import Sequence

from pydantic_core import from_json

from services.intake.domain.documents import DocumentLimits, list_faults, not_held, unheld
from services.intake.domain.refused import Refused
from services.intake.storage import documents
from services.intake.storage.versions import StoredApplication
from shared.contracts.facts import ApplicationFacts, DocumentFile
from shared.service.postgres import Connection


def unfit_documents(facts: ApplicationFacts, limits: DocumentLimits, where: str = "") -> Refused | None:
    """Refused for too many or too large documents. `where`: place of the facts in the body."""
    faults = list_faults(facts.documents or (), limits, where)
    return not_held(faults) if faults else None


async def named_documents(
    connection: Connection, facts: ApplicationFacts, key: str | None, application: str, where: str = ""
) -> Refused | None:
    """Has an application name documents, so that they stay. Refused for those that are not held under the upload key.

    `application`: the id it will have.
    """
    return await _named(connection, facts.documents or (), key, application, (), where)


async def renamed_documents(
    connection: Connection, facts: ApplicationFacts, key: str | None, stored: StoredApplication, where: str = ""
) -> Refused | None:
    """The same for a later version: it may also name what the newest one names, without a key."""
    before: Sequence[DocumentFile] = ()
    if facts.documents:
        still = await documents.still_held(connection, stored.application)
        named = from_json(stored.newest.facts).get("documents", ())
        before = [DocumentFile(**document) for document in named if document["sha256"] in still]
    return await _named(connection, facts.documents or (), key, stored.application, before, where)


async def _named(
    connection: Connection,
    asked: Sequence[DocumentFile],
    key: str | None,
    application: str,
    before: Sequence[DocumentFile],
    where: str,
) -> Refused | None:
    if not asked:
        return None
    held = await documents.held_under(connection, ((key, document.sha256) for document in asked))
    if faults := unheld(asked, [*before, *held.get(key, ())], where):
        return not_held(faults)
    await documents.name(connection, ((application, key, document.sha256) for document in asked))
    return None
