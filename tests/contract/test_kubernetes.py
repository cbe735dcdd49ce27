"""What stands in deploy/kubernetes is what the code is: settings, ports, groups, rights, routes; in every overlay."""

import re
from typing import Final

import pytest

from deploy.local.state import PROJECT
from firstbuy.planning.scaling import scaled
from firstbuy.planning.strimzi import plan
from firstbuy.reference.settings import page
from shared.contracts.access import SERVICES, consumer_group
from shared.contracts.topics import CONSUMED
from tests.support.manifests import FOLDER, OVERLAYS, Manifest, Manifests, built, of

PARTITIONS, PREFIX = 48, "firstbuy."
PORTS: Final = {"intake": 8001, "eligibility": 8002, "selection": 8003, "notify": 8004}
PORTAL: Final = 8000
DRAIN_SECONDS: Final = 20
"""How long a service finishes steps at its end (shared/service/runtime.py)."""
MADE_BY_HAND: Final = {"operator", "notify-mail", "portal-mail", "portal-keys"}
"""Secrets that docs/kubernetes.md has you make where no store of secrets does."""


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return built(request.param, request)


def pods(manifests: Manifests) -> dict[str, Manifest]:
    """The pods' templates of services and jobs, by name."""
    workloads = of(manifests, "StatefulSet") | of(manifests, "Job") | of(manifests, "Deployment")
    return {name: workload["spec"]["template"] for name, workload in workloads.items()}


def test_every_variable_is_a_setting(manifests: Manifests) -> None:
    known = set(re.findall(r"`(FIRSTBUY_[A-Z0-9_]+)`", page()))
    maps = of(manifests, "ConfigMap")
    for name, pod in pods(manifests).items():
        (container,) = pod["spec"]["containers"]
        given = [variable["name"] for variable in container["env"]]
        given += [
            key for source in container.get("envFrom", ()) for key in maps[source["configMapRef"]["name"]]["data"]
        ]
        assert len(given) == len(set(given)), name
        for variable in given:
            plain = variable.removesuffix("_FILE")
            assert variable in known or plain in known or variable in {"PGSSLMODE", "PGSSLROOTCERT"}, (name, variable)


def test_each_service_runs_as_the_code_has_it(manifests: Manifests) -> None:
    services = of(manifests, "StatefulSet")
    assert services.keys() == set(SERVICES)
    for name, service in services.items():
        pod = service["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["args"] == ["-m", f"services.{name}"]
        assert container["ports"] == [{"name": "http", "containerPort": PORTS[name]}]
        assert container["startupProbe"]["httpGet"] == {"path": "/health/live", "port": "http"}
        assert container["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": "http"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "http"}
        variables = {variable["name"]: variable for variable in container["env"]}
        slot = variables[f"FIRSTBUY_{name.upper()}_REPLICA"]["valueFrom"]["fieldRef"]["fieldPath"]
        assert slot == "metadata.labels['apps.kubernetes.io/pod-index']", "two replicas never share a slot"
        stops = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["terminationGracePeriodSeconds"] >= stops + DRAIN_SECONDS + 10
        assert of(manifests, "Service")[name]["spec"]["ports"][0]["port"] == PORTS[name]
        assert f"`FIRSTBUY_{name.upper()}_HTTP_PORT` | `{PORTS[name]}`" in page()


def test_the_portal_asks_the_services_and_reaches_nothing_else(manifests: Manifests) -> None:
    assert of(manifests, "Deployment").keys() == {"portal"}
    pod = of(manifests, "Deployment")["portal"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["-m", "services.portal"]
    assert container["ports"] == [{"name": "http", "containerPort": PORTAL}]
    assert f"`FIRSTBUY_PORTAL_HTTP_PORT` | `{PORTAL}`" in page()
    assert of(manifests, "Service")["portal"]["spec"]["ports"][0]["port"] == PORTAL
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "http"}
    assert pod["terminationGracePeriodSeconds"] > container["lifecycle"]["preStop"]["sleep"]["seconds"] + 15
    used = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert used == {"portal-keys", "portal-mail", "portal-db-app", "portal-db-ca"}, "nothing of Kafka"
    asked = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert {asked[f"FIRSTBUY_PORTAL_{service.upper()}_URL"] for service in SERVICES} == {
        f"http://{service}:{port}" for service, port in PORTS.items()
    }
    *services, database, mail = of(manifests, "NetworkPolicy")["portal"]["spec"]["egress"]
    assert {
        rule["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: rule["ports"][0]["port"]
        for rule in services
    } == PORTS
    assert database["to"] == [{"podSelector": {"matchLabels": {"cnpg.io/cluster": "portal-db"}}}], "no other database"
    assert {port["port"] for port in mail["ports"]} == {25, 465, 587}
    outside = of(manifests, "NetworkPolicy")["database-and-kafka"]["spec"]["podSelector"]["matchExpressions"]
    assert outside == [{"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["portal"]}]


def test_each_service_has_a_migration_of_the_same_version(manifests: Manifests) -> None:
    version = re.search(r'^version = "(.*)"', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    suffix = version[1].replace(".", "-")
    assert of(manifests, "Job").keys() == {f"migrate-{name}-{suffix}" for name in (*SERVICES, "portal")}
    for name, pod in pods(manifests).items():
        (container,) = pod["spec"]["containers"]
        assert container["image"] == f"firstbuy:{version[1]}", name
        if name.startswith("migrate-"):
            assert container["args"] == ["-m", f"services.{name.split('-')[1]}", "migrate"]


def test_no_pod_may_more_than_it_needs(manifests: Manifests) -> None:
    for name, pod in pods(manifests).items():
        spec, (container,) = pod["spec"], pod["spec"]["containers"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        own = container["securityContext"]
        assert (own["readOnlyRootFilesystem"], own["allowPrivilegeEscalation"]) == (True, False)
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"].keys() == {"requests", "limits"}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}, name
        assert [volume["name"] for volume in spec["volumes"] if "emptyDir" in volume] == ["tmp"]


def test_every_secret_is_made_by_somebody(manifests: Manifests) -> None:
    made = set(of(manifests, "KafkaUser")) | set(of(manifests, "ExternalSecret")) | MADE_BY_HAND
    made |= {f"{name}-{what}" for name in of(manifests, "Cluster") for what in ("app", "ca")}
    made |= {f"{name}-cluster-ca-cert" for name in of(manifests, "Kafka")}
    for name, pod in pods(manifests).items():
        used = {volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume}
        assert used <= made, name
    for name, rule in of(manifests, "TriggerAuthentication").items():
        assert {reference["name"] for reference in rule["spec"]["secretTargetRef"]} <= made, name


def test_selectors_find_pods(manifests: Manifests) -> None:
    labels = [pod["metadata"]["labels"] for pod in pods(manifests).values()]
    for kind in ("Service", "PodDisruptionBudget"):
        for name, manifest in of(manifests, kind).items():
            selector = manifest["spec"]["selector"]
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= each.items() for each in labels), f"{kind} {name} selects nothing"


def test_no_service_speaks_to_another(manifests: Manifests) -> None:
    """They exchange events; a policy that let them call each other would hide a mistake."""
    allowed = of(manifests, "NetworkPolicy")
    assert allowed["nothing"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for name, policy in allowed.items():
        if name == "portal":
            continue
        for rule in policy["spec"].get("egress", ()):
            ports = {port["port"] for port in rule.get("ports", ())}
            assert not ports & set(PORTS.values()), name
            for peer in rule.get("to", ()):
                aimed = peer.get("podSelector", {}).get("matchLabels", {})
                assert aimed.get("app.kubernetes.io/name") != "firstbuy", name


def test_plans_are_those_of_the_declarations() -> None:
    kafka = plan(PREFIX, "main", 3, joining=(), quota=0, shared=True, partitions=PARTITIONS)
    assert (FOLDER / "kafka/plan.yaml").read_text() == kafka, "firstbuy plan kafka --partitions 48"
    scaling = scaled(PREFIX, "main-kafka-bootstrap:9093", PARTITIONS, 2, 12)
    assert (FOLDER / "scaling/plan.yaml").read_text() == scaling, "firstbuy plan scaling --partitions 48"


def test_scaling_follows_groups_that_there_are_and_stops_at_the_partitions(manifests: Manifests) -> None:
    topics = {topic["spec"]["topicName"]: topic["spec"]["partitions"] for topic in of(manifests, "KafkaTopic").values()}
    for name, scaling in of(manifests, "ScaledObject").items():
        spec, groups = scaling["spec"], {consumer_group(PREFIX, name, topic) for topic in CONSUMED[name]}
        assert spec["scaleTargetRef"]["name"] == name
        assert "replicas" not in of(manifests, "StatefulSet")[name]["spec"], "KEDA owns them"
        followed = [trigger["metadata"] for trigger in spec["triggers"] if trigger["type"] == "kafka"]
        assert followed
        for trigger in followed:
            assert trigger["consumerGroup"] in groups
            assert trigger["consumerGroup"].endswith(trigger["topic"].removeprefix(PREFIX))
            assert spec["maxReplicaCount"] <= topics[trigger["topic"]]
            users = of(manifests, "ConfigMap")["kafka-users"]["data"]
            assert users[name] in of(manifests, "KafkaUser")


def test_the_connections_of_all_replicas_fit(manifests: Manifests) -> None:
    scaling, defaults = (
        of(manifests, "ScaledObject"),
        dict(re.findall(r"`FIRSTBUY_(\w+)_DATABASE_CONNECTIONS` \| `(\d+)`", page())),
    )
    for name in SERVICES:
        replicas = (
            scaling[name]["spec"]["maxReplicaCount"]
            if name in scaling
            else of(manifests, "StatefulSet")[name]["spec"]["replicas"]
        )
        at_locks = 3
        taken = (replicas + 1) * (int(defaults[name.upper()]) + at_locks)
        assert taken <= int(
            of(manifests, "Cluster")[f"{name}-db"]["spec"]["postgresql"]["parameters"]["max_connections"]
        )
