"""KEDA's operator and the server of its metrics, beside a node in its sandbox; the API server asks the second for what
an autoscaler reads. It has no admission webhook, and no metrics of processors are here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

import yaml

from deploy.local.state import PROJECT, State
from tests.ops import control_plane, kubernetes_programs
from tests.ops.control_plane import ControlPlane
from tests.ops.sandbox import ADDRESS
from tests.support import definitions
from tests.support.manifests import Manifest

VERSION: Final = definitions.KEDA.rpartition("@")[2]
NAMESPACE: Final = "keda"
GROUP: Final = "external.metrics.k8s.io"
PORT: Final = 6443
OPERATOR: Final = 9666
"""Where it tells the server of metrics what it measures."""


def started(plane: ControlPlane, state: State) -> None:
    """Both answer, until the sandbox ends."""
    programs = kubernetes_programs.keda(state.cache)
    certificates = _certificates(plane)
    plane.apply(_registered())
    given = {**os.environ, "KUBECONFIG": str(plane.kubeconfig), "WATCH_NAMESPACE": ""}
    given |= {"POD_NAMESPACE": NAMESPACE, "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE}
    plane.sandbox.start(
        *("keda-operator", f"{programs}/keda-operator", "--leader-elect=false", f"--cert-dir={certificates}"),
        *("--metrics-bind-address=127.0.0.1:9667", "--health-probe-bind-address=127.0.0.1:9668"),
        *(f"--metrics-service-bind-address=127.0.0.1:{OPERATOR}", "--enable-webhook-patching=false"),
        *("--enable-apiservice-patching=false", "--zap-encoder=console"),
        environment=given,
    )
    kubeconfigs = (f"--{what}-kubeconfig={plane.kubeconfig}" for what in ("lister", "authentication", "authorization"))
    plane.sandbox.start(
        *("keda-adapter", f"{programs}/keda-adapter", f"--secure-port={PORT}", "--port=9669", *kubeconfigs),
        *(f"--cert-dir={certificates}", f"--metrics-service-address=localhost:{OPERATOR}"),
        *(f"--tls-cert-file={certificates}/tls.crt", f"--tls-private-key-file={certificates}/tls.key"),
        f"--client-ca-file={certificates}/ca.crt",
        environment=given,
    )
    plane.sandbox.wait_for(plane.command("get", "--raw", f"/apis/{GROUP}/v1beta1"), "APIResourceList")


def _certificates(plane: ControlPlane) -> str:
    """Under the names that both read."""
    front, folder = control_plane.front_certificate(plane.sandbox), plane.sandbox.folder / "keda-certificates"
    folder.mkdir()
    shutil.copy(front / "authority.pem", folder / "ca.crt")
    for name in ("tls.crt", "tls.key"):
        shutil.copy(front / control_plane.PAIR, folder / name)
    return str(folder)


def _registered() -> list[Manifest]:
    """The server of metrics as a part of the API."""
    name = {"name": "keda-metrics-apiserver", "namespace": NAMESPACE}
    ports = [{"name": "https", "port": PORT, "protocol": "TCP"}]
    named = {**name, "labels": {"kubernetes.io/service-name": name["name"]}}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "Service", "metadata": name, "spec": {"ports": ports}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": named,
            "addressType": "IPv4",
            "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
            "ports": ports,
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1beta1.{GROUP}"},
            "spec": {
                "group": GROUP,
                "version": "v1beta1",
                "service": {**name, "port": PORT},
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]


def planned(namespace: str, *words: str) -> list[Manifest]:
    """What `firstbuy plan` prints, for a namespace."""
    argv = [sys.executable, "-m", "firstbuy.cli", "plan", *words]
    told = subprocess.run(argv, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return [{**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in yaml.safe_load_all(told)]


def sooner(scaled: Manifest, seconds: int) -> Manifest:
    """The ScaledObject, with so little patience before it takes replicas away, one after another."""
    fewer: dict[str, Any] = scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    fewer["stabilizationWindowSeconds"] = seconds
    policies: Sequence[dict[str, Any]] = fewer["policies"]
    for policy in policies:
        policy["periodSeconds"] = seconds
    return scaled
