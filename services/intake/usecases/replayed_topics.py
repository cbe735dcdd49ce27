"""The topics that intake writes and reads back, in the order in which their records are put back."""

from dataclasses import dataclass
from typing import Final

from services.intake.usecases import replay
from services.intake.usecases.replay import PutBack
from shared.contracts import topics
from shared.contracts.topics import Topic
from shared.kafka.records import Decoder


@dataclass(frozen=True, slots=True)
class ReplayedTopic:
    """A topic that intake writes, and how its records are put back."""

    decoder: Decoder
    put_back: PutBack

    @classmethod
    def of(cls, topic: Topic, put_back: PutBack) -> "ReplayedTopic":
        return cls(Decoder(topic), put_back)


PHASES: Final = (
    {
        topics.INSTITUTIONS.name: ReplayedTopic.of(topics.INSTITUTIONS, replay.put_back_institutions),
        topics.ACCESS.name: ReplayedTopic.of(topics.ACCESS, replay.put_back_tokens),
    },
    {topics.ROUNDS.name: ReplayedTopic.of(topics.ROUNDS, replay.put_back_rounds)},
    {
        topics.APPLICATIONS.name: ReplayedTopic.of(topics.APPLICATIONS, replay.put_back_applications),
        topics.PURCHASE_REQUESTS.name: ReplayedTopic.of(topics.PURCHASE_REQUESTS, replay.put_back_requests),
    },
    {topics.CONTACTS.name: ReplayedTopic.of(topics.CONTACTS, replay.put_back_contacts)},
)
"""Topics by name, in the order they are put back: a pledge needs its institution, an entry its round, a contact its
applicant."""
SHARED: Final = tuple(name for phase in PHASES for name in phase)
"""The names of these topics."""
OUTBOX: Final = ReplayedTopic.of(topics.outbox("any"), replay.keep_answered)
"""Any institution's outbox, which comes last: an answer needs its inbox."""
