"""`make campaign-api`: schemathesis with all its phases, in each role, against a running API over a simulated line."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from controller.api import Limits
from controller.authority import Actor, Role
from controller.executor.states import RunState
from tests.api.site import SMALL, Site, served, site
from tests.api.test_schema import examined

PHASES = "examples,coverage,fuzzing,stateful"


PATIENT = Limits(answer_s=300)
"""How fast a loaded computer answers is not what is judged here."""
ADA = Actor("Ada", Role.ENGINEER)


async def several_states(made: Site) -> None:
    """Runs that go on, are held and have ended; a stored recipe; a unit out of service."""
    await made.service.set_unit("isostatic-press-1", in_service=False, reason="a seal is worn", by=ADA)
    made.parts.recipes.store.add(SMALL, "Ada", "the first", "pilot line", made.parts.recipes.capabilities)
    runs = [await made.run() for _ in range(3)]
    await made.service.hold(runs[1], "a noise", by=ADA)
    await made.service.stop(runs[2], "enough", by=ADA)
    async with asyncio.timeout(30):
        while made.service.run(runs[2]).state not in (RunState.STOPPED, RunState.HELD):  # noqa: ASYNC110  as people do
            await asyncio.sleep(0.1)


async def main(examples: int, roles: Sequence[Role]) -> None:
    """Prints what was found in each role; ends with an error where anything was."""
    for role in roles:
        with tempfile.TemporaryDirectory() as folder:
            async with site(Path(folder), limits=PATIENT) as made, served(made) as address:
                await several_states(made)
                options = ["--phases", PHASES, "--max-examples", str(examples)]
                output = await examined(address, made.tokens[role], Path(folder), *options)
                print(f"---- as {role}\n{output[output.index('SUMMARY') :]}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="generated requests for each endpoint and phase")
    parser.add_argument("--role", type=Role, nargs="*", default=list(Role), help="in which roles; all if left out")
    given = parser.parse_args()
    asyncio.run(main(given.examples, given.role))
