"""Schemathesis asks every endpoint what its document allows, and what it does not: no fault, no undocumented answer."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from controller.authority import Role
from tests.api.site import Site, served

JUDGED_ELSEWHERE = ["positive_data_acceptance"]
"""Whether a recipe, a lot or a reference makes sense is no matter of a schema: 422 with findings is right there."""

CONFIG = """
[checks]
negative_data_rejection.expected-statuses = [
  "400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429",
]
"""
"""A text that is longer than it may be can be more than a body may have: 413 before anybody looks at it."""


async def examined(address: str, token: str, folder: Path, *options: str) -> str:
    """What schemathesis prints; its exit code is a failure of the test."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"]
    command += [f"http://{address}/api/v1/openapi.json"]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", "all", "--no-color"]
    command += ["--request-timeout", "300", "--max-response-time", "300"]  # how fast is not what is judged
    command += ["--suppress-health-check", "filter_too_much"]  # names in addresses have no slash: many are drawn anew
    command += ["--exclude-checks", ",".join(JUDGED_ELSEWHERE), "--exclude-path", "/api/v1/stream"]  # it does not end
    # signing out and managing one's own tokens would end what it asks with
    for ending in ("sign_out", "end_session", "revoke_token", "change_password"):
        command += ["--exclude-operation-id", ending]
    process = await asyncio.create_subprocess_exec(
        *command, *options, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output
    return output


async def test_a_short_look_at_every_endpoint(site: Site, tmp_path: Path) -> None:
    async with served(site) as address:
        options = ["--phases", "fuzzing", "--max-examples", "1", "--seed", "1", "--generation-deterministic"]
        output = await examined(address, site.tokens[Role.ENGINEER], tmp_path, *options)
    found = re.search(r"Tested:\s+(\d+)", output)
    assert found is not None
    assert int(found[1]) >= 60
