"""What documents name is there."""

import re

import pytest

from deploy.local.state import PROJECT

NAMED = re.compile(r"\b((?:unit|integration|e2e|contract|browser)/test_\w+\.py)")


@pytest.mark.parametrize("document", ["docs/security.md", "docs/privacy.md"])
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    named = set(NAMED.findall((PROJECT / document).read_text()))
    assert named
    assert not [name for name in sorted(named) if not (PROJECT / "tests" / name).exists()]
