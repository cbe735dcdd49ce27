"""Puts back, from the topics intake itself writes, what its database has lost. Every record may be read again.

A module for each subject. `PutBack` is what each of them offers for its topic.
"""

from collections.abc import Awaitable, Callable, Sequence

from services.intake.usecases.replay.applications import put_back_applications
from services.intake.usecases.replay.contacts import put_back_contacts
from services.intake.usecases.replay.institutions import put_back_institutions, put_back_tokens
from services.intake.usecases.replay.requests import keep_answered, put_back_requests
from services.intake.usecases.replay.rounds import put_back_rounds
from shared.kafka.step import Incoming
from shared.service.postgres import Connection

__all__ = [
    "PutBack",
    "keep_answered",
    "put_back_applications",
    "put_back_contacts",
    "put_back_institutions",
    "put_back_requests",
    "put_back_rounds",
    "put_back_tokens",
]

PutBack = Callable[[Connection, Sequence[Incoming], str], Awaitable[int]]
"""Takes records of one topic and the topics' prefix; returns the number of rows that were missing or outdated."""
