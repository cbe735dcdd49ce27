"""Prometheus and Alertmanager beside a node in its sandbox. They take what the ServiceMonitor selects that the API
server holds, found by `tests/ops/discovery.py`; rules have their times divided.
"""

import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.local.state import PROJECT, State
from tests.ops.on_node import NAMESPACE, Cluster
from tests.ops.sandbox import Sandbox
from tests.support.prometheus import commands, configured

FACTOR: Final = 10
EVERY: Final = 3
"""Seconds between two looks at a pod."""
RECEIVER: Final = 29095
PROMETHEUS: Final = "127.0.0.1:29090"
ALERTMANAGER: Final = "127.0.0.1:29093"


@dataclass(frozen=True)
class Watched:
    sandbox: Sandbox

    def asked(self, path: str, *given: str) -> Any:
        words = (word for each in given for word in ("--data-urlencode", each))
        url = f"http://{PROMETHEUS}/api/v1/{path}"
        return json.loads(self.sandbox.run("curl", "--silent", "--show-error", "--fail", "--get", *words, url))["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.asked("query", f"query={expression}")["result"]
        return found

    def seen(self, expression: str) -> bool:
        """Whether it had a series at any time in the last half hour: those of a round end with it."""
        now = time.time()
        span = (f"start={now - 1800:.0f}", f"end={now:.0f}", "step=15")
        return bool(self.asked("query_range", f"query={expression}", *span)["result"])

    def told(self, alert: str) -> dict[str, list[str]]:
        """Its statuses in order, by the labels that it has beside its name."""
        statuses: dict[str, list[str]] = defaultdict(list)
        for line in self.sandbox.log("alerts_told", end=1_000_000).splitlines():
            labels = json.loads(line)
            if labels.pop("alertname") == alert:
                status = labels.pop("status")
                statuses[json.dumps(labels, sort_keys=True)].append(status)
        return statuses


def started(cluster: Cluster, state: State, folder: Path) -> Watched:
    """Both are ready, until the sandbox ends."""
    sandbox, found = cluster.node.plane.sandbox, folder / "found.json"

    def scraped(config: dict[str, Any]) -> None:
        config["scrape_configs"] = [{"job_name": "found", "file_sd_configs": [{"files": [str(found)]}]}]

    configured(folder, scraped, FACTOR, EVERY, f"http://127.0.0.1:{RECEIVER}/", ALERTMANAGER)
    for name, words in {"alerts_told": [str(RECEIVER)], "discovery": [NAMESPACE, str(found)]}.items():
        sandbox.start(name, "env", f"--chdir={PROJECT}", sys.executable, "-m", f"tests.ops.{name}", *words)
    for name, argv in commands(state, folder, PROMETHEUS, ALERTMANAGER).items():
        sandbox.start(name, *argv)
    for place in (PROMETHEUS, ALERTMANAGER):
        sandbox.wait_for(["curl", "--silent", "--write-out", "%{http_code}", f"http://{place}/-/ready"], "200")
    return Watched(sandbox)
