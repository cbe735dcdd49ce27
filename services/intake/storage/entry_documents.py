"""Documents of new entries, by groups as admission writes them."""

from collections.abc import Iterable, Sequence

from services.intake.domain.documents import not_held, unheld
from services.intake.domain.refused import Refused
from services.intake.domain.submissions import Entry
from services.intake.storage import documents
from shared.service.postgres import Connection


async def refusals(connection: Connection, decided: Iterable[object]) -> dict[int, Refused]:
    """Refusals of entries, among what was decided, that name documents not held for them; by the `id()` of their
    submission."""
    entering = [each.submission for each in decided if isinstance(each, Entry)]
    naming = [asked for asked in entering if asked.documents]
    held = await documents.held_under(
        connection, ((asked.upload_key, each.sha256) for asked in naming for each in asked.documents)
    )
    faults = {id(asked): unheld(asked.documents, held.get(asked.upload_key, ())) for asked in naming}
    return {submission: not_held(reasons) for submission, reasons in faults.items() if reasons}


async def name_new(connection: Connection, entries: Sequence[Entry]) -> None:
    """Takes down what new entries name."""
    await documents.name(
        connection,
        (
            (entry.application, entry.submission.upload_key, each.sha256)
            for entry in entries
            for each in entry.submission.documents
        ),
    )
