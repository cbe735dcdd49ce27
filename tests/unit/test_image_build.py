"""What `make image` refuses before it begins, and what it hands to `docker build`."""

import pytest

from deploy.image import build

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--digest", "sha256:abc"], "--digest sha256:abc: give sha256: and 64 hexadecimal digits"),
        (["--digest", "0a" * 32], "give sha256:"),
        (["--base", f"mirror.example/python@{DIGEST}", "--digest", DIGEST], "leave --digest away"),
    ],
)
def test_a_digest_that_names_no_base_is_refused(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        build.main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_base_and_its_digest_are_taken() -> None:
    assert build.fault("mirror.example/python:3.11-slim-bookworm", DIGEST) == ""
    assert build.fault("", DIGEST) == ""
    assert build.fault(f"mirror.example/python@{DIGEST}", "") == ""
