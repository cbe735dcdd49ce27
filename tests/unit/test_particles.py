"""Particles follow how the last letter is read."""

import pytest

from shared.wording.particles import particle

VOWEL, CONSONANT, RIEUL = "vowel", "consonant", "rieul"


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("누수 감지 센서", VOWEL),
        ("한빛", CONSONANT),
        ("물", RIEUL),
        ("누수 감지기", VOWEL),
        ("「센서」", VOWEL),
        ("펌프(소형)", CONSONANT),
        ("관로 점검 (로봇)", CONSONANT),
        ("‘한빛’.", CONSONANT),
        ("긴 이름의 제품…", CONSONANT),
        ("제품 ", CONSONANT),
        ("제품!?", CONSONANT),
        ("제품".encode().decode(), CONSONANT),
        ("\u110c\u1166\u1111\u116e\u11b7", CONSONANT),
        *(zip("0136", (CONSONANT, RIEUL, CONSONANT, CONSONANT), strict=True)),
        *(zip("24578 9".replace(" ", ""), (VOWEL, VOWEL, VOWEL, RIEUL, RIEUL, VOWEL), strict=True)),
        ("10", CONSONANT),
        ("300", CONSONANT),
        ("2,000", CONSONANT),
        ("50,000", CONSONANT),
        ("100,000,000", CONSONANT),
        ("1,000,000,000,000", VOWEL),
        ("A-2", VOWEL),
        ("모델 ７", RIEUL),
        ("버전 2.0", CONSONANT),
        ("제3호", VOWEL),
        ("Ⅱ", VOWEL),
        ("Ⅲ", CONSONANT),
        ("③", CONSONANT),
        (2, VOWEL),
        (3, CONSONANT),
        ("A", VOWEL),
        ("K", VOWEL),
        ("LG", VOWEL),
        ("HTML", RIEUL),
        ("L", RIEUL),
        ("ESM", CONSONANT),
        ("LAN", CONSONANT),
        ("VR", RIEUL),
        ("x", VOWEL),
        ("K-water", VOWEL),
        ("한국수자원공사 (K-water)", VOWEL),
        ("Smart Cable", RIEUL),
        ("control", RIEUL),
        ("System", CONSONANT),
        ("Pipeline", CONSONANT),
        ("Bearing", CONSONANT),
        ("Block", CONSONANT),
        ("Sensor", VOWEL),
        ("ＬＥＤ", VOWEL),
        ("50%", VOWEL),
        ("케어+", VOWEL),
        ("60℃", VOWEL),
        ("ㄱ", CONSONANT),
        ("ㄹ", RIEUL),
        ("ㅏ", VOWEL),
        ("", VOWEL),
        ("「」", VOWEL),
        ("セル", VOWEL),
    ],
)  # fmt: skip
def test_a_particle_follows_the_last_letter_as_it_is_read(text: object, ending: str) -> None:
    chosen = [particle(text, pair) for pair in ("이/가", "은/는", "을/를", "과/와", "으로/로")]
    assert (
        chosen
        == {
            VOWEL: ["가", "는", "를", "와", "로"],
            CONSONANT: ["이", "은", "을", "과", "으로"],
            RIEUL: ["이", "은", "을", "과", "로"],
        }[ending]
    )
