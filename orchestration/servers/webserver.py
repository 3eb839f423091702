"""Serves the Dagster UI on 127.0.0.1, behind the allow-list of `access.py`, in one process.

    python -m orchestration.servers.webserver --port 3000 [--read-only]

It is Dagster's own application; nothing of it is changed here.
"""

import argparse
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import uvicorn
from dagster import DagsterInstance, __version__
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

# pyright: ignore below: Dagster leaves the type of this function's **kwargs open.
from dagster_webserver.app import create_app_from_workspace_process_context  # pyright: ignore[reportUnknownVariableType]

from orchestration.errors import EspalierError
from orchestration.servers.access import AccessGuard, AllowList
from orchestration.servers.processes import dagster_environment
from orchestration.settings import PROJECT, load_settings

_HOST = "127.0.0.1"
_UI_POLL_MS = 2000
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_S = 3600
_POOL_OVERFLOW = 20
_GRACE_S = 3  # for open websockets, when the server is told to stop


def serve(port: int, workspace: Path, *, further_hosts: Iterable[str] = (), read_only: bool = False) -> None:
    """Serve the UI of the instance that the environment names until the process is told to stop."""
    with _workspace(workspace, read_only) as context:
        app = create_app_from_workspace_process_context(context, live_data_poll_rate=_UI_POLL_MS)
        guarded = AccessGuard(app, AllowList.of_port(port, further_hosts))
        uvicorn.run(
            guarded,
            host=_HOST,
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE_S,
        )


@contextlib.contextmanager
def _workspace(path: Path, read_only: bool) -> Generator[WorkspaceProcessContext]:
    target = WorkspaceFileTarget([str(path)])
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW)
        with WorkspaceProcessContext(instance, target, version=__version__, read_only=read_only) as context:
            yield context


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and serve; a user's mistake is one line and exit code 2."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the code servers are told, too
    try:
        settings = load_settings()
        if "DAGSTER_PG_URL" not in os.environ:
            os.environ.update(dagster_environment(settings))
        hosts = settings.ui_allowed_hosts
        serve(
            options.port or settings.ui_port,
            options.workspace,
            further_hosts=hosts,
            read_only=options.read_only,
        )
    except EspalierError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        logging.getLogger(__name__).info("told to stop")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestration.servers.webserver", description="Serve the UI.")
    parser.add_argument("--port", type=int, help="default: the setting ui_port")
    parser.add_argument("--read-only", action="store_true", help="refuse every mutation")
    parser.add_argument("--workspace", type=Path, default=PROJECT / "workspace.yaml")
    return parser


if __name__ == "__main__":
    sys.exit(main())
