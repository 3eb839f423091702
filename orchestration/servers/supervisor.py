"""Runs a command for ever: one that ends is started again, sooner or later depending on how long it lived.

    python -m orchestration.servers.supervisor COMMAND [ARGUMENT ...]

It is told to stop by SIGTERM, and hands that on. Which commands are run so stands in `processes.py`.
"""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_STEADY_S = 60.0
_PATIENCE_S = 10.0

logger = logging.getLogger(__name__)


def supervise(command: Sequence[str]) -> None:
    """Run a command again and again, until a KeyboardInterrupt, which ends the command, too."""
    wait = _FIRST_WAIT_S
    while True:
        started = time.monotonic()
        code = _run(command)
        lived = time.monotonic() - started
        wait = _FIRST_WAIT_S if lived > _STEADY_S else wait
        logger.warning("it ended with %s after %.0f s, and is started again in %.0f s", code, lived, wait)
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_S)


def _run(command: Sequence[str]) -> int:
    with subprocess.Popen(command) as child:  # noqa: S603 - given by our own code
        try:
            return child.wait()
        except KeyboardInterrupt:
            _end(child)
            raise


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()


def main() -> int:
    """Supervise the command that the arguments give."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        supervise(sys.argv[1:])
    except KeyboardInterrupt:
        logger.info("told to stop")
    return 0


if __name__ == "__main__":
    sys.exit(main())
