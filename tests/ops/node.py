"""One real node: scheduler, controllers, kubelet, kube-proxy and containerd, beside the control plane in its sandbox.

Pods are on a bridge and reach each other and the sandbox; services have addresses. Nothing enforces network policies
here, and no name server answers: what a pod has to find is in its `hostAliases`.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.local.state import State
from tests.ops import control_plane, kubernetes_programs
from tests.ops.control_plane import SERVICES, ControlPlane
from tests.ops.sandbox import ADDRESS, BRIDGE
from tests.support.manifests import Manifest

NAME: Final = "node-1"
PODS: Final = "10.77.0.0/24"
PAUSE: Final = "registry.k8s.io/pause:3.10"
CGROUPS: Final = Path("/sys/fs/cgroup")
READY: Final = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"


@dataclass(frozen=True)
class Node:
    plane: ControlPlane
    containers: Path
    socket: Path

    def take(self, archive: Path) -> None:
        """Images out of a `docker save`, as the cluster's own registry would have them."""
        self.plane.sandbox.run(
            *(f"{self.containers}/usr/bin/ctr", f"--address={self.socket}", "--namespace=k8s.io"),
            *("images", "import", str(archive)),
        )

    def objects(self, kind: str, *words: str) -> list[Manifest]:
        """As the API server has them now."""
        told: dict[str, Any] = json.loads(self.plane.kubectl("get", kind, "--output=json", *words))
        found: list[Manifest] = told["items"]
        return found


@contextmanager
def opened(state: State, folder: Path) -> Iterator[Node]:
    """A node that is ready, without pods, for the block."""
    programs, containers = kubernetes_programs.node(state.cache), kubernetes_programs.containers(state.cache)
    _remove_control_groups()
    try:
        with control_plane.opened(state, folder) as plane:
            node = Node(plane, containers, folder / "containerd.sock")
            _start_control(plane, programs, containers, folder)
            _start_containers(node, kubernetes_programs.plugins(state.cache), folder)
            _start_kubelet(node, programs, folder)
            plane.sandbox.wait_for(plane.command("get", "node", NAME, f"--output={READY}"), "True")
            yield node
    finally:
        _remove_control_groups()


def _start_control(plane: ControlPlane, programs: Path, containers: Path, folder: Path) -> None:
    given = (f"--kubeconfig={plane.kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1")
    plane.sandbox.start(
        *("kube-controller-manager", f"{programs}/kube-controller-manager", *given),
        *(f"--service-account-private-key-file={folder}/accounts.key", "--use-service-account-credentials=true"),
        *(f"--root-ca-file={folder}/certificates/apiserver.crt", f"--flex-volume-plugin-dir={folder}/volume-plugins"),
    )
    plane.sandbox.run("ip", "route", "add", SERVICES, "dev", BRIDGE)  # kube-proxy leads them from there to pods
    plane.sandbox.start("kube-scheduler", f"{programs}/kube-scheduler", *given)
    _write(folder / "proxy.yaml", {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": PODS,
        "clientConnection": {"kubeconfig": str(plane.kubeconfig)},
        "conntrack": {"maxPerCore": 0},  # the machine's own setting stays
    })  # fmt: skip
    plane.sandbox.start(
        *("kube-proxy", f"{programs}/kube-proxy", f"--config={folder}/proxy.yaml", f"--hostname-override={NAME}"),
        environment=kubernetes_programs.found_in(containers),
    )


def _start_containers(node: Node, plugins: Path, folder: Path) -> None:
    (folder / "networks").mkdir()
    _write(folder / "networks" / "10-pods.conflist", {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [{
            "type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": False, "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "dataDir": str(folder / "addresses"),
                "ranges": [[{"subnet": PODS, "rangeStart": "10.77.0.10"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })  # fmt: skip
    (folder / "containerd.toml").write_text(f"""version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{node.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/networks"
""")
    node.plane.sandbox.start(
        "containerd",
        f"{node.containers}/usr/bin/containerd",
        f"--config={folder}/containerd.toml",
        environment=kubernetes_programs.found_in(node.containers),
    )
    version = [f"{node.containers}/usr/bin/ctr", f"--address={node.socket}", "version"]
    node.plane.sandbox.wait_for(version, "Server:")


def _start_kubelet(node: Node, programs: Path, folder: Path) -> None:
    _write(folder / "kubelet.yaml", {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "address": ADDRESS,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "evictionHard": {},
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "resolvConf": "",
        "readOnlyPort": 0,
        "serializeImagePulls": True,
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
    })  # fmt: skip
    node.plane.sandbox.start(
        *("kubelet", f"{programs}/kubelet", f"--kubeconfig={node.plane.kubeconfig}"),
        *(f"--config={folder}/kubelet.yaml", f"--hostname-override={NAME}", f"--node-ip={ADDRESS}"),
        *(f"--root-dir={folder}/kubelet", f"--cert-dir={folder}/kubelet-certificates"),
        environment=kubernetes_programs.found_in(node.containers),
    )


def _write(path: Path, told: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(told) if path.suffix == ".yaml" else json.dumps(told))


def _remove_control_groups() -> None:
    """Those that killed containers left. The kernel keeps one that is not empty yet: it is tried for some seconds."""
    for _ in range(50):
        left = sorted(CGROUPS.glob("*/k8s.io/**/"), reverse=True)
        for group in left:
            with suppress(OSError):
                group.rmdir()
        if not left:
            return
        time.sleep(0.2)


__all__ = ["SERVICES", "Node", "opened"]
