"""Writes `deploy/monitoring/dashboards/*.json` for Grafana; `--check` fails when one has drifted.

python -m deploy.monitoring.dashboards [--check]
"""

import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from deploy.monitoring.panels import BOARDS, Board, Panel

FOLDER: Final = Path(__file__).with_name("dashboards")
_SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
_STEPS_WITHOUT: Final = [model.Threshold(value=None, color="green")]


def written(board: Board) -> str:
    """The dashboard as the JSON that Grafana imports."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"firstbuy-{board.name}")
        .tags(["firstbuy"])
        .readonly()
        .refresh("10s")
        .time("now-3h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus").label("Prometheus"))
    )
    if board.by_service:
        named = "intake,eligibility,selection,notify"
        made = made.with_variable(dashboard.CustomVariable("service").label("Service").values(named))
    for panel in board.panels:
        made = made.with_panel(_drawn(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _drawn(panel: Panel) -> stat.Panel | timeseries.Panel:
    kind = stat.Panel if panel.stat else timeseries.Panel
    drawn = kind().title(panel.title).description(panel.says).datasource(_SOURCE).unit(panel.unit)
    drawn = drawn.height(6 if panel.stat else 8).span(6 if panel.stat else 12)
    if panel.warns_at is not None:
        steps = [*_STEPS_WITHOUT, model.Threshold(value=panel.warns_at, color="red")]
        drawn = drawn.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    for expression, legend in panel.queries:
        drawn = drawn.with_target(prometheus.Dataquery().expr(expression).legend_format(legend))
    return drawn


def main() -> int:
    wanted = {FOLDER / f"{board.name}.json": written(board) for board in BOARDS}
    if "--check" in sys.argv[1:]:
        there = {path: path.read_text() for path in FOLDER.glob("*.json")}
        if there != wanted:
            print("deploy/monitoring/dashboards has drifted: run make metrics and commit it", file=sys.stderr)  # noqa: T201
            return 1
        return 0
    FOLDER.mkdir(exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
