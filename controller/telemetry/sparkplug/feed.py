"""Samples from what the line knows: a machine's readings, and which run, step and lot a unit works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.telemetry.sparkplug.catalogue import PROCESS, QUALITY_OF, Catalogue, process_value
from controller.telemetry.sparkplug.payload import QualityCode
from controller.telemetry.sparkplug.samples import Sample
from drivers.reading import Snapshot

PACKML_STATE = "machine_state"  # the signal that every machine's profile has (drivers/profile_kinds.py)


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What a unit works on; None where no run holds it."""

    run: str | None = None
    run_state: str | None = None
    step: str | None = None
    lot: str | None = None
    plan_hash: str | None = None
    recipe: str | None = None
    recipe_version: str | None = None


def context_samples(unit: str, context: BatchContext, time_ms: int) -> tuple[Sample, ...]:
    """All of the context, at time_ms (UTC); what did not change is left out later, by `EdgeNode.update`."""
    said = {
        "Batch/Run": context.run,
        "Batch/Run State": context.run_state,
        "Batch/Step": context.step,
        "Batch/Lot": context.lot,
        "Batch/Plan Hash": context.plan_hash,
        "Batch/Recipe": context.recipe,
        "Batch/Recipe Version": context.recipe_version,
    }
    return tuple(Sample(unit, name, value, time_ms) for name, value in said.items())


def snapshot_samples(catalogue: Catalogue, snapshot: Snapshot, utc_ms: Callable[[float], int]) -> tuple[Sample, ...]:
    """Every polled value of a machine; utc_ms turns the loop's time into ms of UTC. Nothing for an unknown unit."""
    unit = snapshot.unit
    if unit not in catalogue.devices:
        return ()
    readings, samples = snapshot.readings(), []
    for definition in catalogue.devices[unit]:
        folder, _, signal = definition.name.partition("/")
        if folder != PROCESS or (reading := readings.get(signal)) is None:
            continue
        value, quality = process_value(definition, reading)
        samples.append(Sample(unit, definition.name, value, utc_ms(reading.time_s), quality))
    if (state := readings.get(PACKML_STATE)) is not None:
        quality = QUALITY_OF[state.quality]
        word = None if quality is QualityCode.BAD else str(state.value)
        samples.append(Sample(unit, "Unit/PackML State", word, utc_ms(state.time_s), quality))
    return tuple(samples)
