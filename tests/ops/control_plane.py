"""A real API server on a real etcd, with the kinds of the operators that `deploy/kubernetes` names."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from deploy.local.state import PROJECT, State
from tests.ops import kubernetes_programs, sandbox
from tests.ops.sandbox import ADDRESS, Sandbox
from tests.support import definitions
from tests.support.manifests import Manifest

PORT: Final = 26443
ETCD: Final = "http://127.0.0.1:22379"
PAIR: Final = "kafka.pem"
SERVICES: Final = "10.78.0.0/24"
"""Addresses of services."""
TOKEN: Final = "of-a-test"
"""Of the cluster's administrator. Only the sandbox reaches the server."""


@dataclass(frozen=True)
class ControlPlane:
    sandbox: Sandbox
    programs: Path
    kubeconfig: Path

    def kubectl(self, *words: str, given: str | None = None, check: bool = True, timeout: float = 300) -> str:
        """Raises SandboxFailedError."""
        return self.sandbox.run(*self.command(*words), given=given, check=check, timeout=timeout)

    def command(self, *words: str) -> list[str]:
        return [f"{self.programs}/kubectl", f"--kubeconfig={self.kubeconfig}", *words]

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Raises SandboxFailedError."""
        self.kubectl("apply", "--server-side", "--filename=-", given=yaml.safe_dump_all(manifests))

    def refusal(self, manifests: Iterable[Manifest]) -> str:
        """What a server-side dry run of them says against them, warnings too; empty if nothing."""
        words = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", "-")
        done = self.sandbox.tried(*self.command(*words), given=yaml.safe_dump_all(manifests))
        return done.stderr.strip() or (f"ended with {done.returncode}" if done.returncode else "")


@contextmanager
def opened(state: State, folder: Path) -> Iterator[ControlPlane]:
    """A control plane for the block, empty but for kinds. Nothing of it is left afterwards."""
    containers = kubernetes_programs.containers(state.cache)
    programs = kubernetes_programs.control(state.cache)
    environment = {**os.environ, "HOME": str(folder)}
    with sandbox.opened(folder, containers / "usr/bin/tini", environment) as held:
        _start(held, state, programs)
        plane = ControlPlane(held, programs, _kubeconfig(folder))
        held.wait_for(plane.command("get", "--raw", "/readyz"), "ok")
        _install_kinds(plane, state.cache)
        yield plane


def _start(held: Sandbox, state: State, programs: Path) -> None:
    data, key, tokens = held.folder / "etcd", held.folder / "accounts.key", held.folder / "tokens.csv"
    data.mkdir()
    held.run("mount", "-t", "tmpfs", "none", str(data))  # its data is worth nothing
    held.run("chmod", "700", str(data))
    held.run("openssl", "genrsa", "-out", str(key), "2048")
    front = front_certificate(held)
    tokens.write_text(f'{TOKEN},administrator,administrator,"system:masters"\n')
    held.start(
        "etcd", str(kubernetes_programs.etcd(state.cache)), f"--data-dir={data}",
        f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}", "--listen-peer-urls=http://127.0.0.1:22380",
    )  # fmt: skip
    held.start(
        "kube-apiserver", f"{programs}/kube-apiserver", f"--etcd-servers={ETCD}", f"--secure-port={PORT}",
        "--bind-address=0.0.0.0", f"--advertise-address={ADDRESS}",  # there is no default route to find it by
        f"--cert-dir={held.folder}/certificates", f"--token-auth-file={tokens}", "--authorization-mode=Node,RBAC",
        "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}", f"--service-cluster-ip-range={SERVICES}", "--allow-privileged",
        "--kubelet-preferred-address-types=InternalIP",  # no name server answers
        *(f"--requestheader-client-ca-file={front}/authority.pem", "--requestheader-username-headers=X-Remote-User"),
        *("--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-"),
        *(f"--proxy-client-cert-file={front}/{PAIR}", f"--proxy-client-key-file={front}/{PAIR}"),
    )  # fmt: skip


def front_certificate(held: Sandbox) -> Path:
    """A folder with `authority.pem` and, in PAIR, a key and a certificate: by it a server that answers for a part of
    the API knows the API server, and either side of KEDA the other."""
    folder = held.folder / "front"
    argv = [sys.executable, "-m", "deploy.machine_secrets", str(folder), "--kafka", "localhost"]
    subprocess.run(argv, cwd=PROJECT, check=True, capture_output=True)
    return folder


def _kubeconfig(folder: Path) -> Path:
    path = folder / "kubeconfig"
    server = {"server": f"https://127.0.0.1:{PORT}", "insecure-skip-tls-verify": True}
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "administrator", "user": {"token": TOKEN}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "administrator"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(told))
    return path


def _install_kinds(plane: ControlPlane, cache: Path) -> None:
    kinds = [*definitions.files_of_modules(), *definitions.files_of_strimzi(cache)]
    words = [f"--filename={path}" for path in kinds]
    plane.kubectl("apply", "--server-side", *words)
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
