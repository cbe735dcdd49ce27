"""Kinds of documents.

A kind is a code that applications and policies name. A policy may ask for one that is not listed here; people then read
its code.
"""

from collections.abc import Mapping
from typing import Final

from shared.contracts.policy import Policy, Titled

RULE: Final = "documents"
"""The rule by which a track asks for kinds, in its parameter `kinds`."""


DOCUMENT_KINDS: Final[Mapping[str, Titled]] = {
    "specification": Titled(ko="규격서", en="specification"),
    "certificate": Titled(ko="인증서 사본", en="copy of a certificate"),
    "financial-statements": Titled(ko="재무제표", en="financial statements"),
    "business-registration": Titled(ko="사업자등록증", en="business registration"),
    "sme-confirmation": Titled(ko="중소기업확인서", en="SME confirmation"),
    "direct-production": Titled(ko="직접생산확인서", en="confirmation of own production"),
    "test-report": Titled(ko="시험성적서", en="test report"),
    "catalogue": Titled(ko="제품 설명자료", en="catalogue"),
    "other": Titled(ko="기타 서류", en="other document"),
}


def kind_in_words(kind: str, language: str) -> str:
    """A kind's name in `ko` or `en`; its code, if it has none."""
    named = DOCUMENT_KINDS.get(kind)
    return str(getattr(named, language)) if named else kind


def kinds_asked(policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """The kinds that each track asks for, by track; none of a track that asks for no document."""
    return {
        track.track: tuple(
            kind
            for condition in track.conditions
            if condition.rule == RULE and isinstance(kinds := condition.parameters.get("kinds"), tuple)
            for kind in kinds
        )
        for track in policy.tracks
    }
