"""`make campaign-client`: a client made by openapi-python-client from the committed document talks to a running API.

The generator is installed into a folder of its own: it pins parts that the service uses in other versions.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from controller.authority import Role
from tests.api.site import served, site

GENERATOR = "openapi-python-client==0.29.1"
DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
TALK = """
import os

from line_client import AuthenticatedClient
from line_client.api.line import list_units, set_unit, show_line
from line_client.api.runs import show_run
from line_client.models import InServiceForm, LineView, ProblemBody, UnitView

client = AuthenticatedClient(base_url=os.environ["ADDRESS"], token=os.environ["TOKEN"])
line = show_line.sync(client=client)
assert isinstance(line, LineView) and line.name == "pilot line", line
units = list_units.sync(client=client)
assert {"coater-1", "isostatic-press-1"} <= {unit.name for unit in units}, units
form = InServiceForm(in_service=False, reason="a seal is worn")
for _ in range(2):  # the second is answered and not done
    unit = set_unit.sync("coater-1", client=client, body=form, idempotency_key="seal-4711")
    assert isinstance(unit, UnitView) and unit.out_of_service, unit
refused = show_run.sync("none", client=client)
assert isinstance(refused, ProblemBody) and refused.type_ == "urn:pressline:problem:unknown", refused
print("the generated client works: 5 calls")
"""


def generated(folder: Path) -> Path:
    """A Python that can import `line_client`, made in a folder."""
    tool = folder / "tool"
    subprocess.run([sys.executable, "-m", "venv", str(tool)], check=True)
    subprocess.run([str(tool / "bin" / "pip"), "install", "--quiet", GENERATOR], check=True)
    command = [str(tool / "bin" / "openapi-python-client"), "generate", "--path", str(DOCUMENT), "--meta", "none"]
    path = os.pathsep.join([str(tool / "bin"), os.environ.get("PATH", "")])
    command += ["--fail-on-warning", "--output-path", str(folder / "line_client")]
    subprocess.run(command, check=True, env={**os.environ, "PATH": path})
    return tool / "bin" / "python"


async def main() -> None:
    """Ends with an error where the client could not be made, or does not understand an answer."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as store:
        python = await asyncio.to_thread(generated, Path(folder))
        async with site(Path(store)) as made, served(made) as address:
            asked = {"ADDRESS": f"http://{address}", "TOKEN": made.tokens[Role.OPERATOR], "PYTHONPATH": folder}
            talk = await asyncio.create_subprocess_exec(str(python), "-c", TALK, env={**os.environ, **asked})
            if await talk.wait():
                raise SystemExit("the generated client does not fit")


if __name__ == "__main__":
    asyncio.run(main())
