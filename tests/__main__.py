"""The whole suite, as CI runs it: `python -m tests`.

Two parts at once. Some tests have programs talk over real wires in real time, and mostly wait: they go before the
others, which take what is left of the processors. Among equals a machine is lost on such a wire when nobody has time
for it.
The exit code is the first part's that is not 0.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal")
LOWER = ("nice", "-n", "15")
"""How much lower the priority of tests on virtual time is: of two that want a core the other has nearly all of it."""


def main() -> int:
    """Runs both parts, prints what they say one after the other, and gives the exit code."""
    with tempfile.TemporaryFile("w+") as said:
        waiting = subprocess.Popen([*PYTEST, "-m", "wall_time"], stdout=said, stderr=subprocess.STDOUT)
        others = subprocess.Popen([*LOWER, *PYTEST, "-m", "not wall_time"])
        try:
            codes = [others.wait(), waiting.wait()]
        finally:
            for part in (others, waiting):
                part.terminate()
                part.wait()
        said.seek(0)
        sys.stdout.write(said.read())
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
