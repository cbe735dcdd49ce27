"""The manifests of deploy/kubernetes, overlay by overlay, as `kubectl apply -k` would send them."""

import os
import subprocess
from copy import deepcopy
from shutil import which
from typing import Any, Final

import pytest
import yaml

from deploy.local.kafka_choice import required
from deploy.local.state import PROJECT
from tests.support.told import Section, tell

FOLDER: Final = PROJECT / "deploy" / "kubernetes"
OVERLAYS: Final = ("small", "production", "rehearsal")
Manifest = dict[str, Any]
Manifests = list[Manifest]


def built(overlay: str, request: pytest.FixtureRequest) -> Manifests:
    """Skips, and says so, where no kubectl is; with `FIRSTBUY_REQUIRE=ops` that fails."""
    if which("kubectl") is None:
        if required("ops", os.environ):
            pytest.fail("FIRSTBUY_REQUIRE=ops, and there is no kubectl")
        tell(request.config, Section.WITHOUT_KUBECTL, f"overlay {overlay}")
        pytest.skip("there is no kubectl")
    argv = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), "an error, or a warning of kustomize"
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def of(manifests: Manifests, kind: str) -> dict[str, Manifest]:
    """Those of a kind, by name."""
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def changed(manifest: Manifest, path: str, value: Any) -> Manifest:
    """A copy with another value at a path; a step that is a number is a place in a list."""
    mistaken = deepcopy(manifest)
    *way, last = path.split("/")
    place: Any = mistaken
    for step in way:
        place = place[int(step)] if step.isdecimal() else place[step]
    place[int(last) if last.isdecimal() else last] = value
    return mistaken
