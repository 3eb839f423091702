"""Named places at which a test ends this process, as a power cut would: `ESPALIER_FAILPOINT=name@n`.

Without the variable a failpoint does nothing. What must hold afterwards is in `tests/faults/`.
"""

import os
import signal
from collections import Counter

_hits: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Kill this process, without any clean-up, when the armed failpoint is reached for the n-th time."""
    armed, _, nth = os.environ.get("ESPALIER_FAILPOINT", "").partition("@")
    if armed != name:
        return
    _hits[name] += 1
    if _hits[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
