"""docs/how-to/first-laminate.md, typed as it stands, with a smaller recipe on another port, and stopped in the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "first-laminate.md"
SMALL = ROOT / "tests" / "controller" / "small.yaml"
STOP = 'ask "runs/$RUN/stop" \'{"reason": "enough"}\' > stopped.json'
LIMIT_S = 110


def test_what_the_page_shows_works(tmp_path: Path) -> None:
    script = "\n".join(re.findall(r"```sh\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    wait = 'until ask "runs/$RUN" | grep'
    assert wait in script
    script = script.replace("honda-example-1", "small").replace("8540", str(free_port()))
    (approval,) = re.findall(r"pressline recipes approve .*--by bob.*\n", script)
    script = script.replace(approval, approval + approval.replace("bob", "cara"))  # the smaller one is comparative
    script = script.replace(wait, f"{STOP}\n{wait}").replace("curl -sS", "curl -sS --noproxy '*'")
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "RECIPE": str(SMALL)}
    with (tmp_path / "said").open("w") as said:
        shell = subprocess.Popen(
            ["sh", "-e", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = shell.wait(LIMIT_S)
        finally:
            with suppress(ProcessLookupError):  # what the script left behind where it failed
                os.killpg(shell.pid, signal.SIGKILL)
    output = (tmp_path / "said").read_text(encoding="utf-8")
    log = (tmp_path / "service.log").read_text(encoding="utf-8")
    assert code == 0, f"{output[-3000:]}\n{log}"
    assert "0 broken" in output
    assert "is ready" in output
    assert '"state": "running"' in output
    assert "the hash chain: holds" in output
    assert (tmp_path / "certificate.pdf").read_bytes().startswith(b"%PDF")
    assert '"buckets"' in (tmp_path / "pressure.json").read_text(encoding="utf-8")
