"""A process that backfills the XP ledger of the site in its environment, for tests that kill it.

Run as `python -m tests.faults.backfill BATCH_SIZE`; the failpoint is armed by `ESPALIER_FAILPOINT`.
"""

import sys

import dagster as dg

from assets.community.xp_ledger import xp_ledger
from orchestration.resources import Postgres


def main(batch_size: int) -> None:
    """Materialize the asset once, in an instance that nobody else sees."""
    dg.materialize(
        [xp_ledger],
        resources={"postgres": dg.ResourceDefinition.hardcoded_resource(Postgres())},
        run_config={"ops": {"community__xp_ledger": {"config": {"batch_size": batch_size}}}},
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
