"""The state folder: whose it is, what it keeps, and that two never share it."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.process import Identity, identity
from deploy.local.state import State, StateInUseError, StateUnusableError, cached, claimed, default_folder


def opened(tmp_path: Path) -> State:
    return State.opened({"FIRSTBUY_STATE": str(tmp_path / "state")})


def test_a_state_is_made_where_the_environment_says(tmp_path: Path) -> None:
    state = opened(tmp_path)
    assert state.folder == tmp_path / "state"
    assert state.cache.is_dir()
    assert not state.folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_IROTH)


def test_logs_records_mail_and_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.secret("token")
    for folder in (state.logs, state.records, state.mail, state.folder / "secrets"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((state.folder / "secrets" / "token").stat().st_mode) == 0o600


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    assert opened(tmp_path).secret("token") == opened(tmp_path).secret("token")


def test_a_planted_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateUnusableError, match="FIRSTBUY_STATE"):
        opened(tmp_path)


def test_a_folder_others_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    with pytest.raises(StateUnusableError):
        opened(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 65534, 65534)
    with pytest.raises(StateUnusableError):
        opened(tmp_path)


def test_a_group_s_folder_is_accepted_only_when_named(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o775)
    assert claimed(folder, named=True) == folder
    with pytest.raises(StateUnusableError):
        claimed(folder, named=False)


def test_the_default_folder_is_one_per_user() -> None:
    folder = default_folder({"HOME": "/nonexistent"})
    assert folder == Path(f"/var/tmp/firstbuy-{os.geteuid()}")  # noqa: S108


def test_two_stacks_never_share_a_state(tmp_path: Path) -> None:
    state = opened(tmp_path)
    with state.locked(), pytest.raises(StateInUseError), state.locked():
        pass
    with state.locked():
        pass


def test_a_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    state = opened(tmp_path)
    code = (
        "import sys, time\nfrom deploy.local.state import State\n"
        "with State.opened().locked():\n    print('held', flush=True)\n    time.sleep(60)"
    )
    environment = {**os.environ, "FIRSTBUY_STATE": str(state.folder)}
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StateInUseError), state.locked():
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with state.locked():
        pass


def test_two_starters_fill_a_cache_once_and_neither_sees_half_of_it(tmp_path: Path) -> None:
    fills: list[Path] = []
    both_wait = threading.Barrier(2)

    def fill(folder: Path) -> None:
        fills.append(folder)
        (folder / "first").touch()
        threading.Event().wait(0.2)
        (folder / "second").touch()

    seen: list[set[str]] = []

    def start() -> None:
        both_wait.wait()
        seen.append({path.name for path in cached(tmp_path, "jars", fill).iterdir()})

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fills) == 1
    assert seen == [{"first", "second"}] * 2


def test_a_cache_that_could_not_be_filled_is_tried_again(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cached(tmp_path, "jars", fail)
    assert cached(tmp_path, "jars", lambda folder: (folder / "jar").touch()).is_dir()


def test_a_temporary_state_leaves_nothing_and_shares_the_cache(tmp_path: Path) -> None:
    environment = {"FIRSTBUY_STATE": str(tmp_path / "state")}
    with State.temporary(environment) as state:
        folder = state.folder
        state.logs.joinpath("x.log").touch()
        assert state.cache == tmp_path / "state" / "cache"
    assert not folder.exists()


def test_a_process_is_known_by_id_and_start() -> None:
    found = identity(os.getpid())
    assert found is not None
    assert found == identity(os.getpid())
    assert found != Identity(found.pid, "another start")
    assert identity(2**22 + 1) is None


def test_no_port_is_handed_out_twice() -> None:
    ports = {free_port() for _ in range(50)}
    assert len(ports) == 50
