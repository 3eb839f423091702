"""The reference that an existing database is compared with is what the revisions build, on either server."""

import json
from typing import get_args

import pytest

from migrations.connection import Target, connect
from migrations.reference import path_of, reference
from orchestration.settings import Domain
from tests.conftest import Site
from tests.tools.reference import needed, recorded


@pytest.mark.parametrize("domain", get_args(Domain))
def test_the_reference_is_what_the_revisions_have_built(site: Site, domain: Domain):
    with connect(site.settings.url("migrator")) as database, database.driver.transaction():
        built = recorded(database.driver, domain)
    again = "run `python -m tests.tools.reference` and commit what it writes"
    assert reference(Target(domain, domain, "extensions")).revisions == built, again
    assert json.loads(path_of(domain).read_text())["needed"] == needed(domain), again
