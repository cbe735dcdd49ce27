"""The state folder: everything the local stack writes, and who may use it.

`FIRSTBUY_STATE`, else a folder per user. Root's is under /var/tmp because a server that drops root must reach it; an
ordinary user's is private. Any folder found there already must be ours and not open to others, so that nobody can
plant one. Caches (Kafka's jars, PostgreSQL's binaries) are shared by all states of a user and appear by rename, whole.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.process import Account, end_leftovers, write_atomically

PROJECT = Path(__file__).resolve().parents[2]
TEMPORARY_PREFIX = "firstbuy-tests-"


class StateUnusableError(Exception):
    code = "state-unusable"


class StateInUseError(Exception):
    code = "state-in-use"


@dataclass(frozen=True, slots=True)
class State:
    folder: Path
    cache: Path

    @classmethod
    def opened(cls, environment: Mapping[str, str] | None = None) -> "State":
        """The user's own state, made if it is not there."""
        environment = os.environ if environment is None else environment
        named = environment.get("FIRSTBUY_STATE")
        folder = claimed(Path(named).absolute() if named else default_folder(environment), named=named is not None)
        return cls(folder, _inside(folder, "cache", _passable()))

    @classmethod
    @contextmanager
    def temporary(cls, environment: Mapping[str, str] | None = None) -> Iterator["State"]:
        """A state that ends with the block, with the user's own cache. What killed runs left is swept first."""
        cache = cls.opened(environment).cache
        with ExitStack() as held:
            with locked(cache / ".temporary.lock"):  # nobody sweeps a folder that is about to be locked
                sweep_temporary()
                folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
                held.callback(shutil.rmtree, folder, ignore_errors=True)
                folder.chmod(_passable())
                state = cls(folder, cache)
                held.enter_context(state.locked())
            yield state

    @property
    def logs(self) -> Path:
        return _inside(self.folder, "logs")

    @property
    def records(self) -> Path:
        return _inside(self.folder, "processes")

    @property
    def mail(self) -> Path:
        return _inside(self.folder, "mail")

    @property
    def documents(self) -> Path:
        """Applications' documents, which intake's replicas share."""
        return _inside(self.folder, "documents")

    @property
    def description(self) -> Path:
        """What runs, for `status`, `logs`, `down` and the commands that need its addresses."""
        return self.folder / "stack.json"

    def place(self, name: str, *, passable: bool = False) -> Path:
        """A folder for one server; `passable` lets a lesser user through it to its own folder below."""
        return _inside(self.folder, name, _passable() if passable else 0o700)

    def has_secret(self, name: str) -> bool:
        return (_inside(self.folder, "secrets") / name).exists()

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """Made once, kept with mode 0600."""
        path = _inside(self.folder, "secrets") / name
        if not path.exists():
            write_atomically(path, make())
        return path.read_text(encoding="utf-8")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Two stacks never share a state. What an earlier one left running is ended here, by id."""
        with locked(self.folder / "lock", wait=False):
            end_leftovers(self.records)
            yield


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """An flock: it ends with the process that holds it, however that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise StateInUseError(f"another stack uses {path.parent} (firstbuy status, firstbuy down)") from None
        yield
    finally:
        os.close(descriptor)


def default_folder(environment: Mapping[str, str]) -> Path:
    if os.geteuid() != 0:
        home = environment.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
        states = Path(environment.get("XDG_STATE_HOME") or Path(home) / ".local" / "state")
        nearest = next((folder for folder in (states, *states.parents) if folder.exists()), Path("/"))
        if states.is_absolute() and os.access(nearest, os.W_OK | os.X_OK):
            return states / "firstbuy"
    # A service account may have no home that can be written.
    return Path("/var/tmp") / f"firstbuy-{os.geteuid()}"  # noqa: S108 - claimed() refuses what others planted


def claimed(folder: Path, *, named: bool) -> Path:
    """Make the folder or accept the one there, if it is ours. A folder named by the user may be group-writable."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=_passable())
        folder.chmod(_passable())
    except FileExistsError:
        pass
    except OSError as error:
        raise StateUnusableError(
            f"the state folder {folder} cannot be made ({error.strerror}); set FIRSTBUY_STATE"
        ) from None
    found = folder.lstat()
    open_to_others = stat.S_IWOTH if named else stat.S_IWOTH | stat.S_IWGRP
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & open_to_others:
        raise StateUnusableError(f"{folder} is not a folder of ours alone (owner, mode or link); set FIRSTBUY_STATE")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StateUnusableError(f"{folder} cannot be written; set FIRSTBUY_STATE")
    return folder


def _passable() -> int:
    return 0o711 if os.geteuid() == 0 else 0o700


def _inside(folder: Path, name: str, mode: int = 0o700) -> Path:
    inside = folder / name
    try:
        inside.mkdir(mode=mode)
        inside.chmod(mode)
    except FileExistsError:
        pass
    return inside


def lesser_account() -> Account | None:
    """Whom a root process runs PostgreSQL as; None when we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwnam("nobody")
    except KeyError:
        return Account("65534", 65534, 65534)
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


def reachable(folder: Path, account: Account | None) -> bool:
    """Asked of the kernel, as that user, rather than read off modes."""
    if account is None:
        return True
    tried = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


def cached(cache: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """`cache/name`, filled once. It appears by rename; two starters take turns, so neither sees half of it."""
    wanted = cache / name
    if wanted.is_dir():
        return wanted
    with locked(cache / f".{name}.lock"):
        if not wanted.is_dir():
            partial = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=cache))
            try:
                fill(partial)
                partial.chmod(0o755)
                partial.replace(wanted)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return wanted


def sweep_temporary() -> None:
    """Temporary states whose owner was killed: nobody holds their lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.geteuid() or not (folder / "lock").exists():
                continue
            with locked(folder / "lock", wait=False):
                end_leftovers(folder / "processes")
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, StateInUseError):
            continue


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
