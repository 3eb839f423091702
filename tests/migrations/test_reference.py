"""The reference that an existing database is compared with is what the revisions build, on either server."""

import json
from typing import get_args

import pytest

from migrations.connection import Target, connect
from migrations.reference import path_of, reference
from orchestration.settings import Domain
from tests.conftest import Site
from tests.tools.reference import first_rows, needed, recorded


@pytest.mark.parametrize("domain", get_args(Domain))
def test_the_reference_is_what_the_revisions_have_built(site: Site, domain: Domain):
    with connect(site.settings.url("migrator")) as database, database.driver.transaction():
        built = recorded(database.driver, domain)
        database.driver.execute("SELECT set_config('search_path', %s, true)", [domain])
        rows = first_rows(database.driver, built)
    again = "run `python -m tests.tools.reference` and commit what it writes"
    known = reference(Target(domain, domain, "extensions"))
    assert (known.revisions, known.rows) == (built, rows), again
    assert json.loads(path_of(domain).read_text())["needed"] == needed(domain), again
