"""No sentence of ours leaves the choice of a particle to its reader, and no page guesses one after a value."""

import re
from pathlib import Path
from typing import Final

import pytest

from deploy.local.state import PROJECT

WORDS: Final = (".py", ".js", ".html", ".txt", ".yaml", ".json", ".typ", ".css")
FOLDERS: Final = ("firstbuy", "services", "shared", "deploy")
LEFT_OPEN: Final = re.compile(r"\((?:이|가|은|는|을|를|과|와|으)\)")
PAGE: Final = PROJECT / "services" / "selection" / "page"
AFTER_A_VALUE: Final = re.compile(r"\}(?:이|가|은|는|을|를|과|와|로|으로|이라는?|라는)(?![가-힣])")


def files() -> list[Path]:
    found = (file for folder in FOLDERS for file in (PROJECT / folder).rglob("*") if file.suffix in WORDS)
    return sorted(file for file in found if "__pycache__" not in file.parts)


def test_no_particle_is_left_open() -> None:
    left = [
        f"{file.relative_to(PROJECT)}: {found[0]}"
        for file in files()
        for found in LEFT_OPEN.finditer(file.read_text(encoding="utf-8"))
    ]
    assert left == []


@pytest.mark.parametrize("script", sorted(PAGE.glob("*.js")), ids=lambda file: file.name)
def test_no_particle_follows_a_value_of_the_page(script: Path) -> None:
    """A hash or an id ends in a letter that is read one way or another; `shared/wording/particles.py` is for names."""
    assert AFTER_A_VALUE.findall(script.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("wrong", ["값이(가) 다릅니다", "기관은(는)", "신청(을)를", "기업(으)로", "센서(과)와"])
def test_what_is_left_open_is_recognised(wrong: str) -> None:
    assert LEFT_OPEN.search(wrong)
