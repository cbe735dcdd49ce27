"""The engine of `make test-ops`. What is missing on this machine is listed; FIRSTBUY_REQUIRE=ops makes it a failure."""

import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from deploy.local.kafka_choice import required
from deploy.local.state import State
from tests.ops import fetched, kubernetes_programs, node, registry
from tests.ops.engine import BASE, STAND_INS, Engine, make_stand_in, make_stand_ins, opened
from tests.support.told import Section, tell


@pytest.fixture(scope="session")
def parts(pytestconfig: pytest.Config) -> State:
    """The user's own state, where what engines are made of is kept."""
    if missing := fetched.lacking():
        for name in missing:
            tell(pytestconfig, Section.WITHOUT_ENGINE, f"missing here: {name}")
        if required("ops", os.environ):
            pytest.fail(f"missing here: {', '.join(missing)}")
        pytest.skip(f"missing here: {', '.join(missing)}")
    return State.opened()


@pytest.fixture(scope="session")
def built_with(parts: State, pytestconfig: pytest.Config) -> Engine:
    """An engine that has the images, ours built from this checkout, on the base that a registry has by that digest."""
    engine = opened(parts)
    tell(pytestconfig, Section.STAND_INS, STAND_INS)
    with engine.building():
        make_stand_ins(engine, parts)
        make_stand_in(engine, node.PAUSE, "pause", {"pause": kubernetes_programs.pause(parts.cache)})
        with registry.serving(engine, parts):
            base, digest = registry.pushed(engine, BASE)
            argv = ("-m", "deploy.image.build", "--base", base, "--digest", digest, "--twice")
            told = engine.run(sys.executable, *argv, "--", "--network", "host", "--quiet")
        tell(pytestconfig, Section.SERVERS, " | ".join(told.splitlines()))
    return engine


@pytest.fixture(scope="session")
def archive(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a node takes: the image that `make image` builds, under the manifests' name, and the one that holds a pod's
    namespaces, as `docker save` writes them."""
    path = tmp_path_factory.mktemp("images") / "images.tar"
    ours = f"firstbuy:{version('firstbuy')}"
    engine.run("docker", "save", "--output", str(path), ours, node.PAUSE)
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def engine(built_with: Engine) -> Iterator[Engine]:
    with built_with.running():
        yield built_with
