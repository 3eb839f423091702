"""Assets of the lms domain."""

from collections.abc import Sequence

import dagster as dg

from assets.lms.tenant_isolation import tenant_isolation

ASSETS: Sequence[dg.AssetsDefinition] = (tenant_isolation,)
