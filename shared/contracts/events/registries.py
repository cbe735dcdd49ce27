"""`registry-answers.v1`: registries' answers, so that a lost database can judge by them again."""

from shared.contracts.registries import RegistryAnswer
from shared.contracts.values import Contract, Epoch, RoundId


class RegistryAnswered(Contract):
    """The one answer by which applications of this round are judged in this epoch; there is never another."""

    round: RoundId
    epoch: Epoch
    answer: RegistryAnswer
