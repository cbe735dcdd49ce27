"""Dashboards, alerts and their tests name only what services export, and every alert has its runbook."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from deploy.local.state import PROJECT
from firstbuy.reference.exported import QUESTIONS, exported
from shared.contracts.access import SERVICES
from tests.support.promql import named

MONITORING: Final = PROJECT / "deploy/monitoring"
OF_PROMETHEUS: Final = {"job", "instance"}
"""Labels that Prometheus adds to each series."""


def rules() -> Iterator[dict[str, Any]]:
    for path in sorted((MONITORING / "rules").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def series() -> dict[str, set[str]]:
    """Labels by the name of each series that there is."""
    there = {name: set(metric.labels) | OF_PROMETHEUS for metric in exported() for name in metric.series}
    there |= {name: labels | {"le"} for name, labels in there.items() if name.endswith("_bucket")}
    return there | {"up": OF_PROMETHEUS} | {rule["record"]: set() for rule in rules() if "record" in rule}


SERIES: Final = series()
RULES: Final = [(rule.get("alert", rule.get("record")), rule["expr"], "") for rule in rules()]
TARGETS: Final = [
    (f"{path.stem}: {panel['title']}", target["expr"], target["legendFormat"])
    for path in sorted((MONITORING / "dashboards").glob("*.json"))
    for panel in json.loads(path.read_text())["panels"]
    for target in panel["targets"]
]


def missing(expression: str, legend: str = "") -> list[str]:
    """What the expression names and nobody exports."""
    found = named(expression)
    labels = set().union(*(SERIES.get(name, set()) for name, _ in found.series))
    shown = set(re.findall(r"{{(\w+)}}", legend))
    return [
        *(f"{name} is no metric" for name, _ in found.series if name not in SERIES),
        *(f"{name} has no {each}" for name, has in found.series for each in has if each not in SERIES.get(name, has)),
        *(f"nothing has {label}" for label in found.grouped | shown if label not in labels),
    ]


@pytest.mark.parametrize(("where", "expression", "legend"), [*RULES, *TARGETS], ids=lambda value: str(value)[:60])
def test_an_expression_names_only_what_is_exported(where: str, expression: str, legend: str) -> None:
    assert named(expression).series, "it names no series"
    assert missing(expression, legend) == []


@pytest.mark.parametrize(
    ("expression", "legend", "found"),
    [
        ("sum by (round) (firstbuy_round_admited)", "", ["firstbuy_round_admited is no metric", "nothing has round"]),
        ("max(firstbuy_round_judged{topic=\"x\"})", "", ["firstbuy_round_judged has no topic"]),
        ("sum by (topic) (rate(firstbuy_http_requests_total[5m]))", "", ["nothing has topic"]),
        ("up", "{{round}}", ["nothing has round"]),
        ("firstbuy_records", "", ["firstbuy_records is no metric"]),
        ('up{job=~"by (x)|firstbuy_none{y}"} offset 5m', "{{job}}", []),
        ("firstbuy_http_seconds_bucket{le='1.0'} and on (job) up", "{{le}}", []),
    ],
)  # fmt: skip
def test_a_mistake_in_an_expression_is_found(expression: str, legend: str, found: list[str]) -> None:
    assert missing(expression, legend) == found


def test_every_metric_has_its_question_and_no_other() -> None:
    assert {metric.name for metric in exported()} == QUESTIONS.keys()


ALERTS: Final = [rule for rule in rules() if "alert" in rule]
CASES: Final = {
    case["name"]: case["alert_rule_test"]
    for path in sorted((MONITORING / "tests").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())["tests"]
}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_has_a_runbook_and_a_case_in_which_it_fires_and_ends(alert: dict[str, Any]) -> None:
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", (PROJECT / page).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    fired = [bool(look["exp_alerts"]) for look in CASES[alert["alert"]] if look["alertname"] == alert["alert"]]
    assert fired == [False, True, False]


def test_every_case_is_of_an_alert() -> None:
    assert CASES.keys() == {alert["alert"] for alert in ALERTS}


def test_prometheus_scrapes_each_service_under_its_name_and_reads_every_rule() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    scraped = {job["job_name"]: job["metrics_path"] for job in config["scrape_configs"]}
    assert scraped == dict.fromkeys((*SERVICES, "portal"), "/metrics")
    for job in config["scrape_configs"]:
        assert job["dns_sd_configs"][0]["names"] == [job["job_name"]]


def test_whoever_is_scraped_is_told_when_it_does_not_answer() -> None:
    (down,) = (alert["expr"] for alert in ALERTS if alert["alert"] == "FirstbuyServiceDown")
    named_jobs = re.search(r'job=~"(.+)"', down)
    assert named_jobs
    assert named_jobs[1].split("|") == [*SERVICES, "portal"]
