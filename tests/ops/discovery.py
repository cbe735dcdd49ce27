"""Finds pods for a Prometheus that can't ask the API server itself, as Debian's: `python -m tests.ops.discovery
NAMESPACE FILE`.

It writes the pods of the services that the namespace's ServiceMonitor selects, ready or not, each time they change;
`job` is the service's name, as Prometheus' operator has it.
"""

import json
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.ops.control_plane import PORT, TOKEN
from tests.support.manifests import Manifest

EVERY: Final = 2
"""Seconds."""
NAMED: Final = "kubernetes.io/service-name"


def items(path: str) -> list[Manifest]:
    request = Request(f"https://127.0.0.1:{PORT}/apis/{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    trusting = ssl._create_unverified_context()  # noqa: S323 -- of a server in the same sandbox
    with urlopen(request, timeout=10, context=trusting) as answer:  # noqa: S310 -- the address is written here
        found: list[Manifest] = json.load(answer)["items"]
        return found


def targets(namespace: str) -> Iterator[dict[str, Any]]:
    (monitor,) = items(f"monitoring.coreos.com/v1/namespaces/{namespace}/servicemonitors")
    spec = monitor["spec"]
    (scraped,) = spec["endpoints"]
    selected = quote(",".join(f"{name}={value}" for name, value in spec["selector"]["matchLabels"].items()))
    path = f"discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector={selected}"
    for part in items(path):
        labels = part["metadata"]["labels"]
        more = {"".join(c if c.isalnum() else "_" for c in name): labels[name] for name in spec["targetLabels"]}
        for port in (port["port"] for port in part["ports"] if port["name"] == scraped["port"]):
            for each in part["endpoints"] or ():
                own = {"job": labels[NAMED], "pod": each["targetRef"]["name"], "__metrics_path__": scraped["path"]}
                yield {"targets": [f"{each['addresses'][0]}:{port}"], "labels": {**own, **more}}


def main(namespace: str, file: Path) -> None:
    while True:
        told = json.dumps(sorted(targets(namespace), key=json.dumps))
        if not file.exists() or file.read_text() != told:
            partial = file.with_suffix(".partial")
            partial.write_text(told)
            partial.rename(file)
        time.sleep(EVERY)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
