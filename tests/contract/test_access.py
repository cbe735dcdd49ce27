"""Each service's user has just the rights that its AsyncAPI says it needs."""

import os
import warnings
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared.contracts import topics
from shared.contracts.access import (
    SERVICES,
    Grant,
    Resource,
    Right,
    institution_grants,
    joining_grants,
    sending_grants,
    service_grants,
    service_user,
)
from tests.support.apps import APPS

PREFIX = "firstbuy."
ANY_INSTITUTION = "{institution}"


def asyncapi(service: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """As it is published; FastStream warns where one operation hides another."""
    for name in [name for name in os.environ if name.startswith("FIRSTBUY_")]:
        monkeypatch.delenv(name)
    create, settings = APPS[service]
    given = {"database_url": "postgresql://x/y"} | ({"smtp_url": "smtp://x"} if service == "notify" else {})
    client = TestClient(create(settings(**given)))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module="faststream")
        document: dict[str, Any] = client.get("/asyncapi").json()
    return document


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_rights_on_topics_are_what_its_asyncapi_says(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = asyncapi(service, monkeypatch)
    said = {
        (operation["action"], document["channels"][name]["address"])
        for name, operation in document["operations"].items()
    }
    user = service_user(PREFIX, service)
    grants = service_grants(PREFIX, service) | joining_grants(PREFIX, ANY_INSTITUTION)
    granted = {
        ("receive" if grant.right is Right.READ else "send", grant.name)
        for grant in grants
        if grant.resource is Resource.TOPIC and grant.user == user
    }
    assert granted == said
    assert not any(grant.prefixed for grant in grants if grant.resource is Resource.TOPIC)


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_groups_are_its_own(service: str) -> None:
    groups = {grant for grant in service_grants(PREFIX, service) if grant.resource is Resource.GROUP}
    assert groups == {Grant(f"firstbuy.{service}", Right.READ, Resource.GROUP, f"firstbuy.{service}.", prefixed=True)}


def test_an_institution_writes_its_inbox_reads_its_outbox_and_no_more() -> None:
    user = "firstbuy.institution.kepco"
    assert institution_grants(PREFIX, "kepco") == {
        Grant(user, Right.WRITE, Resource.TOPIC, "firstbuy.institution.kepco.inbox.v1"),
        Grant(user, Right.READ, Resource.TOPIC, "firstbuy.institution.kepco.outbox.v1"),
        Grant(user, Right.READ, Resource.GROUP, "firstbuy.institution.kepco.", prefixed=True),
    }


def test_a_suspension_takes_away_writing_alone() -> None:
    (taken,) = sending_grants(PREFIX, "kepco")
    assert (taken.right, taken.name) == (Right.WRITE, "firstbuy.institution.kepco.inbox.v1")


def test_contacts_are_read_by_notify_and_by_intake_which_wrote_them() -> None:
    readers = {
        service
        for service in SERVICES
        for grant in service_grants(PREFIX, service)
        if grant.right is Right.READ and grant.name == PREFIX + topics.CONTACTS.name
    }
    assert readers == {"intake", "notify"}


def test_no_service_but_intake_reads_an_inbox_or_writes_one() -> None:
    on_inbox = {grant for grant in joining_grants(PREFIX, "kepco") if grant.name.endswith(".inbox.v1")}
    rights = {("firstbuy.intake", Right.READ), ("firstbuy.intake", Right.WRITE)}
    assert {(grant.user, grant.right) for grant in on_inbox} == rights
