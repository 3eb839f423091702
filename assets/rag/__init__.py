"""Assets of the rag domain."""

from collections.abc import Sequence

import dagster as dg

from assets.rag.rag_metrics_history import rag_metrics_history, yesterday_is_there

ASSETS: Sequence[dg.AssetsDefinition] = (rag_metrics_history, yesterday_is_there)
