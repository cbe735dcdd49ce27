"""Facts as the recorded round's registries said they are, for both policies alike: only the rules differ."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter

from firstbuy.simulate.recorded import read_topic
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.registry_facts import Question, confirmed, questions
from shared.contracts import topics
from shared.contracts.events import RegistryAnswered
from shared.contracts.facts import ApplicationFacts
from shared.contracts.registries import RegistryAnswer, RegistryOutcome
from shared.service.settings import KafkaSettings

_ANSWERED: TypeAdapter[RegistryAnswered] = TypeAdapter(RegistryAnswered)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Said:
    """What registries said of a round, each in the newest epoch that asked; `rules` are the round's own."""

    round: str
    rules: PolicyRules
    answers: dict[Question, tuple[int, RegistryAnswer]] = field(default_factory=dict)

    def take(self, kind: str, value: bytes) -> None:
        if kind != RegistryAnswered.__name__:
            return
        event = _ANSWERED.validate_json(value)
        question = Question(event.answer.registry, event.answer.subject)
        known = self.answers.get(question)
        if event.round == self.round and (known is None or known[0] < event.epoch):
            self.answers[question] = (event.epoch, event.answer)

    def confirm(self, facts: ApplicationFacts) -> ApplicationFacts:
        """As stated where nobody was asked, as for what was waived."""
        asked = questions(facts, self.rules)
        return confirmed(facts, {each: self._answer(each) for each in asked}, self.rules)

    def _answer(self, question: Question) -> RegistryAnswer:
        if question in self.answers:
            return self.answers[question][1]
        return RegistryAnswer(
            registry=question.registry, subject=question.subject, outcome=RegistryOutcome.WAIVED, said_at=_NEVER
        )


async def recorded_answers(kafka: KafkaSettings, prefix: str, round_id: str, rules: PolicyRules) -> Said:
    """Nothing is read of a round whose policy asks nobody."""
    said = Said(round_id, rules)
    if rules.registries:
        await read_topic(kafka, prefix, topics.REGISTRY_ANSWERS, said.take, lambda: None)
    return said
