"""A time-stamp is of this root, by an authority under these roots, or it is none. The authority is `openssl ts`."""

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from firstbuy.verifying.timestamps import examined_timestamp
from services.selection.domain.commitment import Commitment
from services.selection.settings import SelectionSettings
from shared.proof.timestamping import (
    Stamp,
    UnusableRootsError,
    WrongStampError,
    answered,
    checked_token,
    request_for,
    roots_of,
)
from tests.support.timestamp_authority import TimestampAuthority, over_another_digest

COMMITMENT = Commitment(
    round="2018-h2",
    epoch=1,
    applications_root="a" * 64,
    requests_root="b" * 64,
    verdicts_root="c" * 64,
    entries_root="d" * 64,
    pledges_root="e" * 64,
    policy_hash="f" * 64,
)
ROOT = COMMITMENT.root
OTHER = "0" * 64


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimestampAuthority:
    assert shutil.which("openssl"), "these tests need the openssl program"
    return TimestampAuthority(tmp_path_factory.mktemp("tsa") / "right", "Test TSA")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> TimestampAuthority:
    return TimestampAuthority(tmp_path_factory.mktemp("tsa") / "stranger", "Test TSA")


@pytest.fixture(scope="module")
def stamp(authority: TimestampAuthority) -> Stamp:
    request = request_for(ROOT)
    return answered(authority.answer(request.as_bytes()), request, ROOT, roots_of(authority.root.read_bytes()))


def stamped(stamp: Stamp, **changes: Any) -> dict[str, Any]:
    """As GET …/commitments answers it."""
    names = ("round", "epoch", "applications_root", "requests_root", "verdicts_root", "entries_root", "pledges_root")
    body = {name: getattr(COMMITMENT, name) for name in (*names, "policy_hash")} | {"commitment_root": ROOT}
    timestamp = {
        "authority": stamp.authority,
        "token": base64.b64encode(stamp.token).decode(),
        "stamped_at": stamp.stamped_at.isoformat().replace("+00:00", "Z"),
    }
    return body | {"timestamp": timestamp} | changes


def test_a_token_is_checked_again_without_its_request(authority: TimestampAuthority, stamp: Stamp) -> None:
    roots = roots_of(authority.root.read_bytes())
    assert checked_token(stamp.token, ROOT, roots) == stamp
    assert stamp.authority == "CN=Test TSA"


def test_openssl_agrees_about_what_is_stamped(authority: TimestampAuthority, stamp: Stamp, tmp_path: Path) -> None:
    """As the docstring of shared/proof/timestamping.py says to do it by hand."""
    (tmp_path / "root.bin").write_bytes(bytes.fromhex(ROOT))
    (tmp_path / "token.der").write_bytes(stamp.token)
    words: list[str | Path] = ["openssl", "ts", "-verify", "-data", tmp_path / "root.bin"]
    words += ["-in", tmp_path / "token.der", "-token_in", "-CAfile", authority.root]
    run = subprocess.run(words, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr


def test_an_answer_over_another_digest_is_refused(authority: TimestampAuthority) -> None:
    request = request_for(ROOT)
    answer = authority.answer(over_another_digest(request.as_bytes(), ROOT))
    with pytest.raises(WrongStampError, match="Mismatch"):
        answered(answer, request, ROOT, roots_of(authority.root.read_bytes()))


def test_an_answer_to_another_request_is_refused(authority: TimestampAuthority) -> None:
    answer = authority.answer(request_for(ROOT).as_bytes())
    with pytest.raises(WrongStampError, match="Nonce"):
        answered(answer, request_for(ROOT), ROOT, roots_of(authority.root.read_bytes()))


def test_a_signer_under_another_root_is_refused(authority: TimestampAuthority, stranger: TimestampAuthority) -> None:
    request = request_for(ROOT)
    answer = stranger.answer(request.as_bytes())
    with pytest.raises(WrongStampError, match="verif"):
        answered(answer, request, ROOT, roots_of(authority.root.read_bytes()))
    both = roots_of(authority.root.read_bytes() + stranger.root.read_bytes())
    assert answered(answer, request, ROOT, both).authority == "CN=Test TSA"


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\x30\x03\x02\x01\x00", b"\x30\x05\x30\x03\x02\x01\x02"])
def test_what_is_no_granted_answer_is_refused(authority: TimestampAuthority, answer: bytes) -> None:
    with pytest.raises(WrongStampError):
        answered(answer, request_for(ROOT), ROOT, roots_of(authority.root.read_bytes()))


def test_a_changed_byte_of_a_token_is_found(authority: TimestampAuthority, stamp: Stamp) -> None:
    roots = roots_of(authority.root.read_bytes())
    for place in range(0, len(stamp.token), 7):
        changed = bytearray(stamp.token)
        changed[place] ^= 1
        try:
            found = checked_token(bytes(changed), ROOT, roots)
        except WrongStampError:
            continue
        # What lies outside the signature (a certificate that came along, say) may be changed without changing it.
        assert (found.stamped_at, found.authority) == (stamp.stamped_at, stamp.authority)


def test_the_command_says_what_it_checked(authority: TimestampAuthority, stamp: Stamp) -> None:
    roots = roots_of(authority.root.read_bytes())
    assert examined_timestamp(stamped(stamp), roots).differs == []
    event = {"commitment_root": ROOT} | stamped(stamp)["timestamp"]
    assert examined_timestamp(event, roots).differs == []
    moved = stamped(stamp, timestamp=stamped(stamp)["timestamp"] | {"stamped_at": "2018-09-14T09:00:00Z"})
    assert [line.partition(":")[0] for line in examined_timestamp(moved, roots).differs] == ["stamped_at"]
    other = examined_timestamp(stamped(stamp, commitment_root=OTHER), roots).differs
    assert [line.partition(":")[0] for line in other] == ["commitment_root", "token"]
    for broken in (stamped(stamp, timestamp=None), {}, event | {"token": "?"}, event | {"commitment_root": "root"}):
        assert examined_timestamp(broken, roots).differs


def test_an_authority_without_roots_is_no_setting() -> None:
    given: dict[str, Any] = {"database_url": "postgresql://x/y", "timestamp_url": "http://tsa.example"}
    with pytest.raises(ValidationError, match="TIMESTAMP_CA_FILE"):
        SelectionSettings(**given)
    assert SelectionSettings(**given, timestamp_ca_file="roots.pem").timestamp_url == "http://tsa.example"
    with pytest.raises(UnusableRootsError):
        roots_of(b"no certificate")
