"""What an operator applies to Kafka for institutions."""

from typing import Any

import pytest
import yaml

from firstbuy.onboarding.cluster import QUOTA
from firstbuy.planning.strimzi import UnplannableError, plan
from shared.contracts.access import SERVICES, institution_grants, joining_grants, service_grants, service_user
from shared.contracts.topics import provisioned
from tests.support.kafka_plans import Documents, acls, named


def test_a_plan_has_the_topics_and_the_user_of_who_joins(planned: Documents) -> None:
    documents = planned("kepco")
    assert {document["apiVersion"] for document in documents} == {"kafka.strimzi.io/v1"}
    assert {document["metadata"]["labels"]["strimzi.io/cluster"] for document in documents} == {"main"}
    made = named(documents, "KafkaTopic")
    inbox = made["firstbuy.institution.kepco.inbox.v1"]["spec"]
    assert (inbox["partitions"], inbox["replicas"]) == (1, 3)
    assert inbox["config"]["message.timestamp.type"] == "LogAppendTime"
    user = named(documents, "KafkaUser")["firstbuy.institution.kepco"]
    assert user["spec"]["authentication"] == {"type": "scram-sha-512"}
    assert user["spec"]["quotas"] == {"producerByteRate": QUOTA}
    granted = institution_grants("firstbuy.", "kepco")
    assert acls(user) == {(grant.resource, grant.name, grant.right) for grant in granted}


def test_a_plan_leaves_services_what_they_have_at_other_institutions(planned: Documents) -> None:
    users = named(planned("kepco", known=["lh"]), "KafkaUser")
    wanted = service_grants("firstbuy.", "notify")
    wanted |= {
        grant
        for code in ("kepco", "lh")
        for grant in joining_grants("firstbuy.", code)
        if grant.user == service_user("firstbuy.", "notify")
    }
    assert acls(users["firstbuy.notify"]) == {(grant.resource, grant.name, grant.right) for grant in wanted}
    assert "firstbuy.eligibility" not in users, "nothing of it changes"


def test_a_plan_does_not_let_a_suspended_one_send(planned: Documents) -> None:
    user = named(planned("ex", suspended=["ex"]), "KafkaUser")["firstbuy.institution.ex"]
    assert "write" not in {operation for _, _, operation in acls(user)}


def test_a_whole_plan_has_every_topic_and_every_service(planned: Documents) -> None:
    documents = planned(shared=True)
    assert set(named(documents, "KafkaTopic")) == {f"firstbuy.{topic.name}" for topic in provisioned()}
    assert set(named(documents, "KafkaUser")) == {f"firstbuy.{service}" for service in SERVICES}


def test_a_prefix_that_kubernetes_does_not_take_is_refused() -> None:
    with pytest.raises(UnplannableError, match="lower case"):
        plan("Firstbuy_", "main", 3, joining=["kepco"], quota=1)


@pytest.fixture
def planned() -> Documents:
    def documents(*joining: str, **options: Any) -> list[dict[str, Any]]:
        return list(yaml.safe_load_all(plan("firstbuy.", "main", 3, joining=joining, quota=QUOTA, **options)))

    return documents
