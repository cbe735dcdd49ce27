"""Every overlay goes through a server-side dry run at a real API server, and that refuses each planted mistake."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.local.state import State
from tests.ops import control_plane, kubernetes_programs
from tests.ops.control_plane import ControlPlane
from tests.support.manifests import FOLDER, OVERLAYS, Manifests, changed, of
from tests.support.told import Section, tell

ADD_ONS: Final = ("scaling", "monitoring", "edge", "external-secrets", "documents-s3")


@pytest.fixture(scope="module")
def plane(
    parts: State, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[ControlPlane]:
    """With the namespaces, as an overlay makes them: what is only tried can't go into one that is only tried."""
    with control_plane.opened(parts, tmp_path_factory.mktemp("plane")) as opened:
        tell(pytestconfig, Section.SERVERS, f"Kubernetes {kubernetes_programs.VERSION}, API server, built here")
        for name in OVERLAYS:
            opened.apply([*of(rendered(opened, FOLDER / "overlays" / name), "Namespace").values()])
        yield opened


def rendered(plane: ControlPlane, folder: Path) -> Manifests:
    return [manifest for manifest in yaml.safe_load_all(plane.kubectl("kustomize", str(folder))) if manifest]


@pytest.fixture(scope="module")
def production(plane: ControlPlane) -> Manifests:
    return rendered(plane, FOLDER / "overlays" / "production")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_accepted_without_a_warning(plane: ControlPlane, overlay: str) -> None:
    assert plane.refusal(rendered(plane, FOLDER / "overlays" / overlay)) == ""


@pytest.mark.parametrize("add_on", ADD_ONS)
def test_an_add_on_is_accepted_on_a_small_deployment(plane: ControlPlane, add_on: str, tmp_path: Path) -> None:
    way = os.path.relpath(FOLDER, tmp_path.resolve())
    own = {"resources": [f"{way}/overlays/small"], "components": [f"{way}/{add_on}"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    assert plane.refusal(rendered(plane, tmp_path)) == ""


POD: Final = "spec/template/spec"
SERVICE: Final = f"{POD}/containers/0"


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "told"),
    [
        ("StatefulSet", "intake", f"{SERVICE}/livenessProbes", {}, r"livenessProbes: field not declared"),
        ("StatefulSet", "intake", f"{SERVICE}/ports/0/name", "The_Port", r"ports\[0\].name: Invalid value"),
        ("StatefulSet", "intake", f"{SERVICE}/resources/requests/memory", "half", r"quantities must match"),
        ("StatefulSet", "intake", f"{SERVICE}/resources/requests/memory", "9Gi", r"less than or equal to memory limit"),
        ("StatefulSet", "intake", f"{SERVICE}/livenessProbe/successThreshold", 2, r"successThreshold: .* must be 1"),
        ("StatefulSet", "intake", f"{SERVICE}/livenessProbe/tcpSocket", {"port": 1}, r"may not specify more than 1"),
        ("StatefulSet", "intake", f"{SERVICE}/volumeMounts/0/name", "elsewhere", r"volumeMounts\[0\].name: Not found"),
        ("StatefulSet", "notify", f"{SERVICE}/env/0/valueFrom/fieldRef/fieldPath", "metadata.index", r"fieldPath: Inv"),
        ("StatefulSet", "intake", "spec/selector/matchLabels", {"of": "another"}, r"selector. does not match template"),
        ("StatefulSet", "intake", "spec/podManagementPolicy", "AtOnce", r"podManagementPolicy: .*must be"),
        ("StatefulSet", "intake", f"{SERVICE}/securityContext/capabilities", {}, r"would violate PodSecurity"),
        ("StatefulSet", "intake", f"{POD}/hostNetwork", True, r"host namespaces"),
        ("PodDisruptionBudget", "intake", "spec/minAvailable", 1, r"cannot be both set"),
        ("NetworkPolicy", "nothing", "spec/policyTypes", ["Inwards"], r"policyTypes\[0\]: Unsupported value"),
        ("NetworkPolicy", "registries", "spec/egress/0/to/0/ipBlock/cidr", "10.0.0.0", r"cidr: Invalid value"),
        ("Service", "intake", "spec/ports/0/targetPort", "Http!", r"targetPort: Invalid value"),
        ("Service", "intake", "spec/ports/0/port", 80010, r"port: Invalid value: 80010"),
        ("ScaledObject", "eligibility", "spec/maxReplicas", 12, r"maxReplicas: field not declared"),
        ("ScaledObject", "eligibility", "spec/pollingInterval", "5s", r"pollingInterval: expected numeric"),
        ("Cluster", "intake-db", "spec/instances", 0, r"instances: Invalid value: 0"),
        ("Cluster", "intake-db", "spec/postgresql/synchronous/method", "all", r"method: Unsupported value"),
        ("Kafka", "main", "spec/kafka/listeners/0/type", "inside", r"type: Unsupported value"),
        ("KafkaNodePool", "broker", "spec/replica", 3, r"replica: field not declared"),
        ("KafkaTopic", "firstbuy.rounds.v1", "spec/partitions", "many", r"partitions: expected numeric"),
        ("HTTPRoute", "apply", "spec/rules/1/matches/0/path/value", "entry", r"must be an absolute path"),
        ("Gateway", "public", "spec/listeners/2/name", "apply", r"duplicate entries for key"),
        ("ServiceMonitor", "firstbuy", "spec/endpoints/0/interval", "soon", r"interval: Invalid value"),
        ("ExternalSecret", "registries", "spec/target/creation", "Owner", r"creation: field not declared"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused(
    plane: ControlPlane, production: Manifests, kind: str, name: str, path: str, value: Any, told: str
) -> None:
    mistaken = changed(of(production, kind)[name], path, value)
    assert re.search(told, plane.refusal([mistaken]))


def test_a_deployment_that_runs_becomes_another_by_applying_it(plane: ControlPlane, production: Manifests) -> None:
    """Small for real, production over it, and what Kubernetes can't change in what is there."""
    plane.apply(rendered(plane, FOLDER / "overlays" / "small"))
    assert plane.refusal(production) == ""
    selector = {"app.kubernetes.io/name": "firstbuy"}
    intake = changed(of(production, "StatefulSet")["intake"], "spec/selector/matchLabels", selector)
    assert "field is immutable" in plane.refusal([intake])
    ((_, job), *_) = of(production, "Job").items()
    assert "field is immutable" in plane.refusal([changed(job, f"{SERVICE}/image", "firstbuy:another")])
