"""The programs of Kubernetes, built once by their version from the Go module proxy; etcd and the rest from Debian."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.local.state import cached
from tests.ops.fetched import engine, ran
from tests.support.debian import unpacked
from tests.support.definitions import KEDA

VERSION: Final = "v1.37.2"
MODULE: Final = "k8s.io/kubernetes"
CONTROL: Final = ("kube-apiserver", "kubectl")
NODE: Final = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")


def go_module(folder: Path, programs: Sequence[str]) -> None:
    """A go.mod that builds them: Kubernetes' own points each of its parts at a folder that the proxy does not have."""
    told = json.loads(ran("go", "mod", "download", "-json", f"{MODULE}@{VERSION}", folder=folder))
    theirs = json.loads(ran("go", "mod", "edit", "-json", told["GoMod"], folder=folder))
    parts = [each["Old"]["Path"] for each in theirs["Replace"] if each["New"]["Path"].startswith("./staging")]
    lines = [
        "module example.org/built",
        f"go {theirs['Go']}",
        f"require {MODULE} {VERSION}",
        *(f"replace {part} => {part} {VERSION.replace('v1.', 'v0.')}" for part in parts),
        *(f"tool {MODULE}/cmd/{program}" for program in programs),
    ]
    (folder / "go.mod").write_text("\n".join(lines) + "\n")
    ran("go", "mod", "tidy", folder=folder)


def control(cache: Path) -> Path:
    """The folder with the API server and kubectl: a quarter of an hour of one core, once."""
    return _built(cache, "control", CONTROL)


def node(cache: Path) -> Path:
    """The folder with what else a node needs."""
    return _built(cache, "node", NODE)


def _built(cache: Path, name: str, programs: Sequence[str]) -> Path:
    def build(folder: Path) -> None:
        go_module(folder, programs)
        _, minor, _ = VERSION.split(".")
        told = {"gitVersion": VERSION, "gitMajor": "1", "gitMinor": minor}
        flags = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in told.items())
        for program in programs:
            argv = ["go", "build", f"-ldflags=-s -w {flags}", "-o", program, f"{MODULE}/cmd/{program}"]
            ran(*argv, folder=folder, environment={"CGO_ENABLED": "0"})
        for left in ("go.mod", "go.sum"):
            (folder / left).unlink()

    return cached(cache, f"kubernetes-{name}-{VERSION}", build)


def keda(cache: Path) -> Path:
    """The folder with `keda-operator` and `keda-adapter`, which gives their metrics: twenty minutes of one core, once.

    Built where their sources are, so that versions are those that their makers locked.
    """

    def build(folder: Path) -> None:
        told = json.loads(ran("go", "mod", "download", "-json", KEDA, folder=folder))
        source = folder / "source"
        shutil.copytree(told["Dir"], source)
        for program in ("operator", "adapter"):
            argv = ["go", "build", "-ldflags=-s -w", "-o", str(folder / f"keda-{program}"), f"./cmd/{program}"]
            ran(*argv, folder=source, environment={"CGO_ENABLED": "0"})
        shutil.rmtree(source)

    return cached(cache, f"keda-{KEDA.rpartition('@')[2]}", build)


def etcd(cache: Path) -> Path:
    return unpacked(cache, "etcd-server") / "usr/bin/etcd"


def containers(cache: Path) -> Path:
    """A root with containerd, runc, tini and iptables under each name that kube-proxy uses."""
    root = engine(cache)
    for name in ("iptables", "ip6tables"):
        for form in (f"{name}-save", f"{name}-restore"):
            link = root / "names" / form
            if not link.is_symlink():
                link.symlink_to("../usr/sbin/xtables-nft-multi")
    return root


def found_in(root: Path) -> dict[str, str]:
    """The environment in which a program finds others, and its libraries, under that root."""
    return {
        "PATH": f"{root}/names:{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}:/usr/sbin:/sbin",
        "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu",
        "XTABLES_LIBDIR": f"{root}/usr/lib/x86_64-linux-gnu/xtables",
    }


def pause(cache: Path) -> Path:
    """The program of the container that holds a pod's namespaces."""

    def build(folder: Path) -> None:
        source = Path(__file__).parent / "images" / "pause" / "pause.go"
        ran("go", "build", "-o", str(folder / "pause"), str(source), folder=folder, environment={"CGO_ENABLED": "0"})

    return cached(cache, "pause-1", build) / "pause"


def plugins(cache: Path) -> Path:
    """The folder of network plugins."""
    return unpacked(cache, "containernetworking-plugins") / "usr/lib/cni"
