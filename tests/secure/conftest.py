"""One broker with TLS, SCRAM and ACLs for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.secure.secured import Secured


@pytest.fixture(scope="session")
def secured(tmp_path_factory):
    with Secured(tmp_path_factory.mktemp("secured")) as secured:
        yield secured


@pytest.fixture(scope="session")
def granted(secured):
    """A prefix whose topics exist, with the shipped rights in force."""
    secured.grant("shipped.")
    return "shipped."
