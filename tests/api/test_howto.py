"""docs/how-to/use-the-api.md, typed as it stands."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from controller.authority import Role
from tests.api.site import PASSWORD, PEOPLE, Site, served

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-api.md"


async def test_what_the_page_shows_works(site: Site, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    run = await site.run()
    said = {"NAME": PEOPLE[Role.OPERATOR], "PASSWORD": PASSWORD, "RUN": run}
    script = "\n".join(block.replace("curl -sS", "curl -sS --fail-with-body") for block in blocks)
    script = re.sub(r"^(curl .*--max-time 1 .*)$", r"\1 || test $? = 28", script, flags=re.MULTILINE)
    async with served(site) as address:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = {**os.environ, **said, "ADDRESS": f"http://{address}", "no_proxy": "*", "PATH": path}
        shell = await asyncio.create_subprocess_exec(
            "sh", "-e", "-c", script, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
        )
        output = (await shell.communicate())[0].decode()
    assert shell.returncode == 0, output
    assert "event: snapshot" in output
    assert "pilot line (SIMULATED)" in output
    assert site.service.unit("coater-1").out_of_service
    assert any("noise" in view.reason for view in site.service.runs()), [view.reason for view in site.service.runs()]
