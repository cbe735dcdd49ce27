"""A registry of images on this machine, as a mirror is: Debian's, for what is to be taken by a digest."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import yaml

from deploy.local.state import State
from tests.ops.engine import Engine
from tests.ops.waiting import eventually
from tests.support.debian import unpacked

ADDRESS: Final = "127.0.0.1:25000"


@contextmanager
def serving(engine: Engine, state: State) -> Iterator[None]:
    """At ADDRESS, for the block. What it holds stays in the engine's folder."""
    program = unpacked(state.cache, "docker-registry") / "usr/bin/docker-registry"
    config = engine.home / "registry.yaml"
    told = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(engine.home / "registry")}},
        "http": {"addr": ADDRESS},
    }
    config.write_text(yaml.safe_dump(told))
    with (engine.home / "registry.log").open("wb") as log:
        server = subprocess.Popen([str(program), "serve", str(config)], stdout=log, stderr=log)
    answers = ("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", f"http://{ADDRESS}/v2/")
    try:
        eventually(lambda: engine.run(*answers, check=False) == "200", "a registry of images", 30)
        yield
    finally:
        server.terminate()
        server.wait(30)


def pushed(engine: Engine, image: str) -> tuple[str, str]:
    """The image's name in the registry, and its digest there."""
    name = f"{ADDRESS}/{image.rpartition('/')[2]}"
    engine.run("docker", "tag", image, name)
    engine.run("docker", "push", "--quiet", name)
    told = engine.run("docker", "image", "inspect", "--format", '{{join .RepoDigests "\\n"}}', name)
    (digest,) = (line.partition("@")[2] for line in told.splitlines() if line.startswith(ADDRESS))
    return name, digest
