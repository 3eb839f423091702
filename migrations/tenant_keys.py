"""The keys that sign which organization a transaction works for: shown to the authentication, replaced, tried by hand.

Only the owner of our schema may; `migrations/versions/espalier/0002_tenants.py` has the functions.
"""

from collections.abc import Generator
from contextlib import contextmanager

from migrations.connection import OURS, Driver, connect
from migrations.state import current
from orchestration.errors import EspalierError
from orchestration.settings import Settings

NEEDS = "espalier_0002"


def show(settings: Settings) -> tuple[int, str]:
    """Give the number of the key that signs, and the key in hexadecimal."""
    with _ours(settings) as driver:
        row = driver.execute(
            "SELECT id, encode(secret, 'hex') FROM espalier.tenant_keys WHERE valid_until IS NULL"
        ).fetchone()
    if row is None:
        raise EspalierError("there is no key that signs; make one with `espalier tenants new-key`")
    return int(row[0]), str(row[1])


def renew(settings: Settings) -> int:
    """Make a new key that signs from now on; tokens of the one before are taken for another hour. Gives its number."""
    with _ours(settings) as driver:
        row = driver.execute("SELECT espalier.new_tenant_key()").fetchone()
    return int(row[0]) if row else 0


def sign(settings: Settings, organization: str, seconds: int) -> str:
    """Sign a token for an organization, as the authentication does."""
    with _ours(settings) as driver:
        row = driver.execute("SELECT espalier.sign_organization(%s, %s)", [organization, seconds]).fetchone()
    if not row or row[0] is None:
        raise EspalierError("there is no key that signs; make one with `espalier tenants new-key`")
    return str(row[0])


@contextmanager
def _ours(settings: Settings) -> Generator[Driver]:
    with connect(settings.url("migrator")) as database, database.driver.transaction():
        if (current(database.driver, OURS) or "") < NEEDS:
            raise EspalierError(f"our schema has no keys for tenants before {NEEDS}; run `espalier migrate`")
        yield database.driver
