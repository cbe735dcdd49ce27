"""Every release of a round and of the purchases that follow from it, as one package."""

from collections.abc import Iterator
from typing import Any

from services.selection.domain.ocds.process import Process
from services.selection.domain.ocds.purchases import purchase_releases
from services.selection.domain.ocds.release import Publication, Release
from services.selection.domain.ocds.rounds import round_releases
from shared.proof.canonical import canonical_json


def releases(publication: Publication, process: Process) -> list[Release]:
    """In order of time."""
    made = [
        *round_releases(publication, process),
        *purchase_releases(publication, process.round, process.title, process.names, process.reports),
    ]
    return sorted(made, key=lambda release: (release.date, release.ocid))


def package(publication: Publication, process: Process) -> Iterator[bytes]:
    """Its JSON in pieces, a release at a time."""
    made = releases(publication, process)
    head: dict[str, Any] = publication.package(process.round, made[-1].date)
    yield canonical_json(head)[:-1] + b',"releases":['
    for number, release in enumerate(made):
        yield (b"," if number else b"") + canonical_json(release.body())
    yield b"]}"
