"""The page behind *this was not me*: plain HTML without script or style, and without personal data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.contracts.events import Language


@dataclass(frozen=True, slots=True)
class Text:
    """The words of one page in one language."""

    title: str
    paragraphs: tuple[str, ...]
    button: str | None = None


Words = Mapping[Language, Text]

ASKED: Final[Words] = {
    Language.KO: Text(
        "본인이 신청하지 않으셨습니까?",
        (
            "누군가 시범구매 신청의 연락처로 이 메일 주소를 적었습니다. 본인이 아니라면 아래 단추를 눌러 주십시오.",
            "이 주소로 더는 메일을 보내지 않으며, 담당 공무원에게 이 사실을 알립니다. 신청 자체는 그대로 남습니다.",
        ),
        "제가 아닙니다. 메일을 보내지 마십시오",
    ),
    Language.EN: Text(
        "Was this not you?",
        (
            "Somebody entered this mail address as the contact of an application for pilot purchase. If it was not "
            "you, press the button.",
            "No mail goes to this address any more, and the officers are told. The application itself stays.",
        ),
        "This was not me: stop the mails",
    ),
}
DONE: Final[Words] = {
    Language.KO: Text(
        "처리되었습니다",
        (
            "이 주소로 더는 메일을 보내지 않습니다. 담당 공무원에게도 알렸습니다.",
            "잘못 누르셨다면 운영기관에 연락해 주십시오.",
        ),
    ),
    Language.EN: Text(
        "Done",
        (
            "No mail goes to this address any more, and the officers are told.",
            "If you pressed it by mistake, tell the programme office.",
        ),
    ),
}
UNKNOWN: Final[Words] = {
    Language.KO: Text(
        "알 수 없는 링크입니다 / This link is not known",
        (
            "이 연락처는 이미 삭제되었을 수 있습니다. 메일이 계속 온다면 가장 최근 메일의 링크를 사용해 주십시오.",
            "The contact may have been erased. If mails still come, use the link of the newest.",
        ),
    ),
}


def page(words: Words, language: Language) -> str:
    """The page as HTML."""
    text = words[language]
    paragraphs = "".join(f"<p>{paragraph}</p>\n" for paragraph in text.paragraphs)
    form = f'<form method="post">\n<button type="submit">{text.button}</button>\n</form>\n' if text.button else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{text.title}</title></head>\n'
        f"<body>\n<main>\n<h1>{text.title}</h1>\n{paragraphs}{form}</main>\n</body>\n</html>\n"
    )
