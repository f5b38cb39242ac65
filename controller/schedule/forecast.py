"""The gate: whether a step that begins a maximum wait had better not begin yet, foreseen from where all jobs are.

Who makes a lot that must be used within a time makes it when the line can use it within that time. The forecast carries
out all jobs that are under way and the one that asks, with the same rules and predicted durations; if a maximum wait
would be broken that is kept when it does not begin, it waits. Jobs that wait at the gate themselves are left out: they
are asked after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from controller.schedule.live import Live, Standing
from controller.schedule.model import LineModel
from controller.schedule.simulation import Simulation
from recipes.waits import WaitLimit

KEPT_BACK = 0.1  # of a maximum wait stays in hand, for what lasts longer than predicted (engineering judgement)
SOONEST_S, LATEST_S = 10.0, 60.0  # when the forecast is made anew: the line may be faster than predicted (judgement)

Waits = dict[tuple[str, WaitLimit], float]


def objection(
    line: LineModel, under_way: Sequence[Standing], candidate: Standing, now_s: float
) -> tuple[str, float] | None:
    """Why the candidate's present step had better not begin now, and after how many seconds to ask again.

    under_way are the other jobs that have begun; the candidate has no maximum wait that counts already. Where others
    take their sheets of its web, their waits begin with its own. None where it may begin, also if nothing else is
    under way and every unit in service: to wait would not help then.
    """
    others = [standing for standing in under_way if not standing.is_kept]
    if not others and not line.out:
        return None
    begins = replace(candidate, is_kept=False)
    step, maker = begins.job.steps[begins.step].name, begins.job.name
    fed = [begins, *(other for other in others if other.job.supply.get(step) == maker)]
    own: Waits = {(one.job.name, x): x.time_s for one in fed for x in one.job.at_risk(begins.step)}
    hopeless = _late(replace(line, out=()), fed, own, now_s)  # alone on a whole line: to wait is no help
    counted = {key: limit_s for key, limit_s in own.items() if key not in hopeless}
    for other in others:
        begun = (other.step,) if other.has_begun else (other.step - 1, other.step)
        risks = {(other.job.name, x): x.time_s for number in begun for x in other.job.at_risk(number)}
        counted |= {key: limit_s for key, limit_s in risks.items() if key not in own}
    if not (late := _late(line, [*others, begins], counted, now_s)):
        return None
    without = _late(line, others, {key: limit for key, limit in counted.items() if key not in own}, now_s)
    caused = {key: by_s for key, by_s in late.items() if by_s > without.get(key, 0.0)}
    if not caused:
        return None
    (job, limit), by_s = max(caused.items(), key=lambda item: item[1])
    owner = "" if job == begins.job.name else f" of {job}"
    without_units = f" without {', '.join(line.out)}" if line.out else ""
    because = (
        f"{limit.step}{owner} could not begin within {limit.time_s / 60:g} min of {limit.after}, as things stand"
        f"{without_units}"
    )
    return because, min(max(by_s, SOONEST_S), LATEST_S)


def _late(line: LineModel, standings: Sequence[Standing], counted: Waits, now_s: float) -> Waits:
    """By how much each of these maximum waits would be broken, or used up beyond what is kept in hand."""
    simulation = Simulation(line, standings, now_s)
    simulation.run(lambda so_far: counted.keys() <= so_far.waited_s.keys())
    found: Waits = {}
    for key, limit_s in counted.items():
        by_s = simulation.waited_s.get(key, inf) - (1 - KEPT_BACK) * limit_s
        if by_s > 0.0:
            found[key] = by_s
    return found


def foreseen(simulation: Simulation, live: Live) -> str | None:
    """The gate of a simulation: the same forecast as the executor's, from where the simulation is."""
    standings = [other.standing(simulation.now_s) for other in simulation.lives if other is not live]
    standings = [s for s in standings if s.step < len(s.job.steps)]
    found = objection(simulation.line, standings, live.standing(simulation.now_s), simulation.now_s)
    if found is None:
        return None
    because, again_s = found
    simulation.ask_again_in(again_s, live)
    return because
