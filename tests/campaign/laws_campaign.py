"""The vectorised law against dry runs: `python -m tests.campaign.laws_campaign --recipes 50 --jobs 2`.

Every seed is one random recipe. Told are the largest differences of a porosity after any step and the seeds of those
that do not agree; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.campaign.laws import AGREED_POINTS, Compared, compared


def told(item: Compared) -> str:
    """One comparison on a line."""
    return f"seed {item.seed}: {item.apart:.4f} points, {item.where} ({item.recipe}, {item.state})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", type=int, default=50, help="how many random recipes")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.recipes)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, mp_context=context) as pool:
        found = sorted(pool.map(compared, seeds), key=lambda item: -item.apart)
    for item in found[:5]:
        print(told(item))
        print(f"  {', '.join(f'{name} {value:g}' for name, value in item.values.items())}")
    beyond = [item for item in found if not item.apart <= AGREED_POINTS]
    print(
        f"{len(found)} recipes, {len(beyond)} further apart than {AGREED_POINTS} points; largest {found[0].apart:.4f}"
    )
    for item in beyond:
        print(f"again: python -m tests.campaign.laws_campaign --recipes 1 --seed {item.seed}")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
