"""Which values are tried: a Latin hypercube, so that every variable is covered evenly however few samples there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from controller.sweep.varying import Variable, rounded

METHOD = "latin hypercube"


def hypercube(variables: Sequence[Variable], samples: int, seed: int) -> list[Mapping[str, float]]:
    """Values by column for each sample, the same for the same variables, number and seed.

    The range of every variable is cut into as many equal parts as there are samples; each part is met once, at a place
    drawn within it, in an order drawn for each variable.
    """
    generator = np.random.default_rng(seed)
    columns = {}
    for variable in variables:
        shares = (generator.permutation(samples) + generator.random(samples)) / samples
        columns[variable.column] = variable.low + shares * (variable.high - variable.low)
    return [{name: rounded(float(values[row])) for name, values in columns.items()} for row in range(samples)]
