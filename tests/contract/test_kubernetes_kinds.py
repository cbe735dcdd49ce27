"""Every manifest is of a kind that Kubernetes or an operator defines, and fits that definition; a mistake is told."""

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import kubernetes_validate
import pytest

from deploy.local.kafka_choice import required
from deploy.local.state import State
from tests.support.definitions import NoDefinitionsError, Schemas, Triggers, faults, of_modules, of_strimzi, of_triggers
from tests.support.manifests import OVERLAYS, Manifest, Manifests, built, changed, of
from tests.support.told import Section, tell

KUBERNETES: Final = "1.34"
OF_OPERATORS: Final = (
    "keda.sh/", "postgresql.cnpg.io/", "monitoring.coreos.com/", "gateway.networking.k8s.io/", "external-secrets.io/",
)  # fmt: skip
OF_STRIMZI: Final = "kafka.strimzi.io/"


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return built(request.param, request)


@pytest.fixture(scope="module")
def production(request: pytest.FixtureRequest) -> Manifests:
    return built("production", request)


Defined = TypeVar("Defined")


def defined(request: pytest.FixtureRequest, fetch: Callable[[], Defined]) -> Defined:
    try:
        return fetch()
    except NoDefinitionsError as error:
        if required("ops", os.environ):
            raise
        tell(request.config, Section.WITHOUT_DEFINITIONS, str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def operators(request: pytest.FixtureRequest) -> Schemas:
    return defined(request, of_modules)


@pytest.fixture(scope="module")
def strimzi(request: pytest.FixtureRequest, state: State) -> Schemas:
    return defined(request, lambda: of_strimzi(state.cache))


def of_whom(manifest: Manifest) -> str:
    version = manifest["apiVersion"]
    if version.startswith(OF_STRIMZI):
        return "strimzi"
    return "operators" if version.startswith(OF_OPERATORS) else "kubernetes"


def test_built_in_kinds_fit(manifests: Manifests) -> None:
    own = [manifest for manifest in manifests if of_whom(manifest) == "kubernetes"]
    assert len(own) > 20
    for manifest in own:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_kinds_of_operators_fit(manifests: Manifests, operators: Schemas) -> None:
    theirs = [manifest for manifest in manifests if of_whom(manifest) == "operators"]
    assert theirs
    assert [fault for manifest in theirs for fault in faults(manifest, operators)] == []


@pytest.fixture(scope="module")
def triggers(request: pytest.FixtureRequest) -> Triggers:
    return defined(request, of_triggers)


def not_read(scaled: Manifest, triggers: Triggers) -> list[str]:
    """What its triggers say that KEDA does not read."""
    told = [
        (each["type"], name, value) for each in scaled["spec"]["triggers"] for name, value in each["metadata"].items()
    ]
    return [
        f"{kind}: {name}: {value}"
        for kind, name, value in told
        if name not in (known := triggers[kind][0]) or (known[name] and value not in known[name])
    ]


def test_keda_reads_all_that_a_trigger_says(production: Manifests, triggers: Triggers) -> None:
    scaled = of(production, "ScaledObject")
    assert [fault for each in scaled.values() for fault in not_read(each, triggers)] == []
    for each in of(production, "TriggerAuthentication").values():
        targets = [*each["spec"]["secretTargetRef"], *each["spec"]["configMapTargetRef"]]
        assert {target["parameter"] for target in targets} <= triggers["kafka"][1]


@pytest.mark.parametrize(("name", "value"), [("saslType", "scram_sha512"), ("sasl", "SCRAM-SHA-512"), ("tls", "true")])
def test_what_keda_would_pass_over_is_told(production: Manifests, triggers: Triggers, name: str, value: str) -> None:
    mistaken = changed(of(production, "ScaledObject")["notify"], f"spec/triggers/0/metadata/{name}", value)
    assert not_read(mistaken, triggers) == [f"kafka: {name}: {value}"]


def test_kinds_of_strimzi_fit(manifests: Manifests, strimzi: Schemas) -> None:
    theirs = [manifest for manifest in manifests if of_whom(manifest) == "strimzi"]
    assert len(theirs) > 40
    assert [fault for manifest in theirs for fault in faults(manifest, strimzi)] == []


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("StatefulSet", "intake", "spec/template/spec/containers/0/livenessProbes", {}),
        ("StatefulSet", "intake", "spec/minReadySeconds", "five"),
        ("PodDisruptionBudget", "intake", "spec/maxUnavailables", 1),
        ("NetworkPolicy", "nothing", "spec/policyTypes", "Ingress"),
    ],
)
def test_a_mistake_in_a_built_in_kind_is_told(
    production: Manifests, kind: str, name: str, path: str, value: Any
) -> None:
    mistaken = changed(of(production, kind)[name], path, value)
    with pytest.raises(Exception, match=r"Additional properties|is not of type"):
        kubernetes_validate.validate(mistaken, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("ScaledObject", "eligibility", "spec/maxReplicas", 12),
        ("ScaledObject", "eligibility", "spec/pollingInterval", "5s"),
        ("ScaledObject", "eligibility", "apiVersion", "keda.sh/v1"),
        ("Cluster", "intake-db", "spec/instances", 0),
        ("Cluster", "intake-db", "spec/postgresql/synchronous/method", "all"),
        ("ServiceMonitor", "firstbuy", "spec/endpoints/0/intervall", "15s"),
        ("HTTPRoute", "apply", "spec/rules/0/matches/0/path/type", "Regex"),
        ("ExternalSecret", "registries", "spec/refreshIntervals", "1h"),
    ],
)
def test_a_mistake_in_a_kind_of_an_operator_is_told(
    production: Manifests, operators: Schemas, kind: str, name: str, path: str, value: Any
) -> None:
    assert faults(changed(of(production, kind)[name], path, value), operators)


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("Kafka", "main", "spec/kafka/listeners/0/type", "inside"),
        ("KafkaNodePool", "broker", "spec/replica", 3),
        ("KafkaTopic", "firstbuy.rounds.v1", "spec/partitions", "many"),
        ("KafkaUser", "firstbuy.intake", "spec/authorization/acls/0/operations", ["Look"]),
    ],
)
def test_a_mistake_in_a_kind_of_strimzi_is_told(
    production: Manifests, strimzi: Schemas, kind: str, name: str, path: str, value: Any
) -> None:
    assert faults(changed(of(production, kind)[name], path, value), strimzi)
