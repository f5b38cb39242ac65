"""Arguments and options that several commands share, with one wording each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeFile = Annotated[Path, typer.Argument(help="A recipe file, for example recipes/library/honda-example-1.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
LineFile = Annotated[
    Path | None, typer.Option("--line", help="The line file; without it the shipped machine models are used.")
]
Scenario = Annotated[
    str,
    typer.Option(help="How the simulated machines behave: realistic, nominal, or one of `pressline faults scenarios`."),
]
Seed = Annotated[
    int, typer.Option(min=0, help="Draws the simulated truth and noise; the same seed gives the same run.")
]
Speed = Annotated[float, typer.Option(min=1, max=20, help="How many times faster than real a simulated line runs.")]
People = Annotated[
    int | None, typer.Option(min=1, max=100, help="How many people are at the line; two if it is left out.")
]
USUAL_PEOPLE = 2
OutOfService = Annotated[
    list[str] | None, typer.Option("--out-of-service", help="A unit that is not used. Can be given several times.")
]
