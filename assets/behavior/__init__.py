"""Assets of the behavior domain."""

from collections.abc import Sequence

import dagster as dg

from assets.behavior.index_report import index_report

ASSETS: Sequence[dg.AssetsDefinition] = (index_report,)
