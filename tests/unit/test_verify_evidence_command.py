"""`firstbuy verify evidence` holds a bundle against every root that somebody kept."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from firstbuy.cli import assembled
from services.selection.domain.evidence import Depth
from services.selection.verify import ROOTS
from tests.support.bundles import make_round
from tests.support.forger import Forged, Level, read, recomputed

OTHER = "0" * 64


@pytest.fixture(scope="module")
def made() -> Forged:
    """A bundle with all roots there are."""
    bundle = read(make_round().bundle(Depth.PUBLIC))
    bundle.version = 2
    invited = bundle.event("RoundOpened")["institutions"]
    for name in ("RoundAnnounced", "RoundFrozen"):
        bundle.event(name).setdefault("pledges", invited)
    return recomputed(bundle, Level.CHANCE)


@pytest.fixture
def file(made: Forged, tmp_path: Path) -> Path:
    path = tmp_path / "result.jsonl"
    path.write_bytes(made.written())
    return path


def verified(file: Path, *options: str) -> Result:
    return CliRunner().invoke(assembled(), ["verify", "evidence", str(file), *options], terminal_width=400)


def test_every_root_can_be_given(made: Forged, file: Path) -> None:
    held = made.roots()
    assert set(held) == set(ROOTS)
    given = [option for name, roots in held.items() for root in roots for option in (f"--{name}", root)]
    told = verified(file, *given)
    assert told.exit_code == 0, told.output
    for name in ROOTS:
        assert f"the {name} root is one you hold" in " ".join(told.output.split())


@pytest.mark.parametrize("name", ROOTS)
def test_another_root_than_the_one_held_is_told(file: Path, name: str) -> None:
    told = verified(file, f"--{name}", OTHER)
    assert told.exit_code == 1, told.output
    assert "none that you hold" in " ".join(told.output.split())


def test_commitments_of_several_epochs_may_be_held(made: Forged, file: Path) -> None:
    (own,) = made.roots()["commitment"]
    told = verified(file, "--commitment", own, "--commitment", OTHER)
    assert told.exit_code == 1
    assert "which the bundle has not" in " ".join(told.output.split()), "one more than there are"


@pytest.mark.parametrize("root", [OTHER[1:], OTHER.replace("0", "g"), "A" * 64, "", f" {OTHER}"])
@pytest.mark.parametrize("name", ROOTS)
def test_what_is_no_root_is_asked_wrongly(file: Path, name: str, root: str) -> None:
    told = verified(file, f"--{name}={root}")
    assert told.exit_code == 2
    assert f"--{name}" in told.output
    assert "is no root" in told.output
