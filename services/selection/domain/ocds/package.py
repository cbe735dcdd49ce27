"""All releases of a round and its purchases, as one release package."""

from collections.abc import Iterator
from typing import Any

from services.selection.domain.ocds.process import Process
from services.selection.domain.ocds.purchases import purchase_releases
from services.selection.domain.ocds.release import Publication, Release
from services.selection.domain.ocds.rounds import round_releases
from shared.proof.canonical import canonical_json


def releases(publication: Publication, process: Process) -> list[Release]:
    """All releases, in order of time."""
    made = [
        *round_releases(publication, process),
        *purchase_releases(publication, process.round, process.title, process.names, process.reports),
    ]
    return sorted(made, key=lambda release: (release.date, release.ocid))


def package(publication: Publication, process: Process) -> Iterator[bytes]:
    """The package's JSON in pieces, one release each."""
    made = releases(publication, process)
    head: dict[str, Any] = publication.package(process.round, made[-1].date)
    yield canonical_json(head)[:-1] + b',"releases":['
    for number, release in enumerate(made):
        yield (b"," if number else b"") + canonical_json(release.body())
    yield b"]}"
