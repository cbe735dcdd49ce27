"""What a deployment on a real node needs, for the block: the node with our image, the servers beside it, the secrets of
operators. Operators that make Kafka and PostgreSQL of their resources are played by `tests/ops/node_servers.py`, since
no registry of images is reached.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from deploy.local.state import State
from shared.contracts.access import SERVICES
from tests.ops import node, node_servers
from tests.ops.node import Node
from tests.ops.node_servers import Servers
from tests.support.manifests import Manifest, Manifests

NAMESPACE: Final = "firstbuy-rehearsal"
OURS: Final = "app.kubernetes.io/name=firstbuy"
STAND_INS: Final = "on the node: operators of Strimzi and CloudNativePG are played"


@dataclass
class Cluster:
    """A node, and the servers beside it that a deployment of `rehearsal` finds; the deployment, once it is made."""

    node: Node
    servers: Servers

    def kubectl(self, *words: str, check: bool = True) -> str:
        return self.node.plane.kubectl(f"--namespace={NAMESPACE}", *words, check=check, timeout=1200)

    def rendered(self, folder: Path, *components: str) -> Manifests:
        """The overlay for this node, made in the folder."""
        overlay = node_servers.overlay(self.servers, folder, components)
        return [each for each in yaml.safe_load_all(self.node.plane.kubectl("kustomize", str(overlay))) if each]

    def deploy(self, manifests: Manifests) -> None:
        """With Kafka's topics and users among them, as Strimzi would make them."""
        self.node.plane.apply(manifests)
        node_servers.kafka_as_declared(self.servers)

    def pods(self) -> dict[str, Manifest]:
        """Of services, by name."""
        found = self.node.objects("pods", f"--namespace={NAMESPACE}", f"--selector={OURS}")
        label = "app.kubernetes.io/component"
        return {pod["metadata"]["name"]: pod for pod in found if pod["metadata"]["labels"].get(label) in SERVICES}

    def settled(self) -> None:
        """Every replica of every service is there and ready, as docs/kubernetes.md has it."""
        for kind in ("statefulset", "deployment"):
            if self.node.objects(kind, f"--namespace={NAMESPACE}", f"--selector={OURS}"):
                self.kubectl("rollout", "status", kind, f"--selector={OURS}", "--timeout=15m")


@contextmanager
def opened(archive: Path, state: State, folder: Path) -> Iterator[Cluster]:
    """With a namespace that has secrets, and nothing else."""
    with node.opened(state, folder) as ready:
        ready.take(archive)
        servers = node_servers.started(ready, state, NAMESPACE)
        ready.plane.kubectl("create", "namespace", NAMESPACE)
        ready.plane.apply([*node_servers.secrets_of_operators(servers), node_servers.volume(servers)])
        yield Cluster(ready, servers)
