"""YAML files of policies, rounds and lists: what one reader of YAML takes for another thing than the next is named."""

from pathlib import Path

import pytest

from firstbuy.yaml_file import UnreadableYamlError, document_of, read

READ_OTHERWISE = {
    "0777": "YAML reads 0777 as 511",
    "0778": "0778 is text to one reader of YAML, a number to another",
    "1_000": "YAML reads 1_000 as 1000",
    "12:30:45": "YAML reads 12:30:45 as 45045",
    "18:00": "YAML reads 18:00 as 1080",
    "1e3": "1e3 is text to one reader",
    "1.0e+3": "YAML reads 1.0e+3 as 1000.0",
    "0x1F": "YAML reads 0x1F as 31",
    "0o17": "0o17 is text to one reader",
    "+5": "YAML reads +5 as 5",
    ".inf": "YAML reads .inf as inf",
    "yes": "YAML reads yes as true",
    "No": "YAML reads No as false",
    "on": "YAML reads on as true",
    "08112201": "08112201 is text to one reader",
}


@pytest.mark.parametrize("said", READ_OTHERWISE)
def test_what_yaml_takes_for_another_thing_is_named(said: str) -> None:
    file = read(f"a: x\nfield: {said}\n")
    ((line, problem),) = file.problems
    assert (line, problem.pointer, problem.code) == (2, "/field", "read-otherwise")
    assert READ_OTHERWISE[said] in problem.detail
    assert f"'{said}' in quotes" in problem.fix
    assert read(f"field: '{said}'").problems == ()


@pytest.mark.parametrize("said", ["0", "-5", "120000000", "7.5", "true", "2018-09-14", "2018-h2", "~", "1,000", "abc"])
def test_what_everybody_reads_alike_is_taken(said: str) -> None:
    assert read(f"field: {said}").problems == ()


def test_thousands_in_braces_stay_together() -> None:
    file = read("{cap_won: 2,000,000,000, years: 7}")
    assert (file.document, file.problems) == ({"cap_won": "2,000,000,000", "years": 7}, ())


def test_a_field_given_twice_is_named_with_both_lines() -> None:
    ((line, problem),) = read("a: 1\nb:\n  c: 1\n  c: 2\n").problems
    assert (line, problem.pointer, problem.code) == (4, "/b/c", "repeated-field")
    assert "line 3" in problem.detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_a_file_is_read_as_korean_editors_save_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "round.yaml"
    file.write_bytes("title: 시험\n".encode(encoding))
    assert document_of(file) == {"title": "시험"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: 시험\nb: ".encode() + "시험".encode("cp949"), "line 1 has UTF-8, line 2 CP949"),
        (b"a: 1\na: 0777", "2: /a: a is given twice"),
        (b"\xff\xd8\xff", "neither UTF-8 nor CP949"),
    ],
)
def test_a_file_that_can_not_be_read_says_where(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "round.yaml"
    file.write_bytes(content)
    with pytest.raises(UnreadableYamlError, match=told):
        document_of(file)
    with pytest.raises(UnreadableYamlError, match="No such file"):
        document_of(tmp_path / "none.yaml")
