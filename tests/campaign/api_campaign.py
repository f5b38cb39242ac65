"""`make campaign-api`: schemathesis with all its phases, in each role, against a running API over a simulated line."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from controller.authority import Role
from tests.api.site import served, site
from tests.api.test_schema import examined

PHASES = "examples,coverage,fuzzing,stateful"


async def main(examples: int) -> None:
    """Prints what was found in each role; ends with an error where anything was."""
    for role in Role:
        with tempfile.TemporaryDirectory() as folder:
            async with site(Path(folder)) as made, served(made) as address:
                options = ["--phases", PHASES, "--max-examples", str(examples)]
                output = await examined(address, made.tokens[role], Path(folder), *options)
                print(f"---- as {role}\n{output[output.index('SUMMARY') :]}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="generated requests for each endpoint and phase")
    asyncio.run(main(parser.parse_args().examples))
