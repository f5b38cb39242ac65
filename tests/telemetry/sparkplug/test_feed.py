"""Readings of real profiles and the batch context as samples."""

from __future__ import annotations

import math

import pytest

from controller.telemetry.sparkplug.catalogue import line_catalogue, process_value
from controller.telemetry.sparkplug.datatypes import DataType, Scalar
from controller.telemetry.sparkplug.feed import BatchContext, context_samples, snapshot_samples
from controller.telemetry.sparkplug.node import EdgeNode
from controller.telemetry.sparkplug.payload import QualityCode
from controller.telemetry.sparkplug.topics import NodeName
from drivers.profile_file import load_profile
from drivers.reading import Quality, Reading, Snapshot
from tests.telemetry.sparkplug.scene import EPOCH_MS, names

PROFILE = load_profile("uniaxial-press-generic")
CATALOGUE = line_catalogue({"press": PROFILE})


def utc_ms(time_s: float) -> int:
    """The loop's time as UTC."""
    return EPOCH_MS + round(time_s * 1000)


def seen(**values: float) -> Snapshot:
    """What one poll brought after two seconds."""
    return Snapshot.of("press", PROFILE, 2.0, values)


def test_a_snapshot_is_a_sample_of_every_value_that_came() -> None:
    execute = PROFILE.number("packml_state", "EXECUTE")
    samples = snapshot_samples(CATALOGUE, seen(force_pv_kn=123.5, cycle_count=7, machine_state=execute), utc_ms)
    assert {(sample.name, sample.value, sample.quality) for sample in samples} == {
        ("Process/force_pv_kn", 123.5, QualityCode.GOOD),
        ("Process/cycle_count", 7, QualityCode.GOOD),
        ("Process/machine_state", "EXECUTE", QualityCode.GOOD),
        ("Unit/PackML State", "EXECUTE", QualityCode.GOOD),
    }
    assert {sample.time_ms for sample in samples} == {EPOCH_MS + 2000}


def test_values_beyond_the_range_and_words_that_nobody_knows_are_bad() -> None:
    samples = snapshot_samples(CATALOGUE, seen(force_pv_kn=9000.0, machine_state=999), utc_ms)
    by_name = {sample.name: sample for sample in samples}
    assert by_name["Process/force_pv_kn"].quality is QualityCode.BAD
    assert by_name["Process/machine_state"].quality is QualityCode.BAD
    assert (by_name["Unit/PackML State"].value, by_name["Unit/PackML State"].quality) == (None, QualityCode.BAD)


def test_a_unit_that_is_not_published_gives_nothing() -> None:
    other = Snapshot.of("lathe", PROFILE, 0.0, {"force_pv_kn": 1.0, "machine_state": 4})
    assert snapshot_samples(CATALOGUE, other, utc_ms) == ()


@pytest.mark.parametrize(
    ("signal", "value", "quality", "expected"),
    [
        ("force_pv_kn", 1.5, Quality.GOOD, (1.5, QualityCode.GOOD)),
        ("force_pv_kn", 1.5, Quality.UNCERTAIN, (1.5, QualityCode.STALE)),
        ("force_pv_kn", math.nan, Quality.BAD, (None, QualityCode.BAD)),
        ("force_pv_kn", 1e300, Quality.BAD, (None, QualityCode.BAD)),
        ("cycle_count", 7.0, Quality.GOOD, (7, QualityCode.GOOD)),
        ("cycle_count", 7.5, Quality.GOOD, (None, QualityCode.BAD)),
        ("cycle_count", -1, Quality.BAD, (None, QualityCode.BAD)),
        ("machine_state", 77, Quality.BAD, ("77", QualityCode.BAD)),
    ],
)
def test_what_a_datatype_cannot_hold_is_null_and_bad(
    signal: str, value: float, quality: Quality, expected: tuple[Scalar | None, QualityCode]
) -> None:
    definition = CATALOGUE.definitions["press", f"Process/{signal}"]
    assert process_value(definition, Reading(value, definition.unit, 0.0, quality)) == expected


def test_batch_context_is_null_where_no_run_holds_the_unit() -> None:
    full = context_samples("press", BatchContext("r", "running", "join", "L", "ab", "ex", "4"), EPOCH_MS)
    assert [sample.value for sample in full] == ["r", "running", "join", "L", "ab", "ex", "4"]
    assert {sample.value for sample in context_samples("press", BatchContext(), EPOCH_MS)} == {None}
    assert {("press", sample.name) for sample in full} <= set(CATALOGUE.definitions)


def test_a_whole_press_is_born_with_what_its_profile_says() -> None:
    node = EdgeNode(NodeName("plant", "line"), CATALOGUE, utc_ms=lambda: EPOCH_MS, now_s=lambda: 0.0)
    node.device_came("press")
    node.update(snapshot_samples(CATALOGUE, seen(force_pv_kn=123.5), utc_ms))
    node.update(context_samples("press", BatchContext(run="r1"), EPOCH_MS))
    node.connecting(0)
    born = names(node.connected().messages[1])
    assert born["Process/force_pv_kn"].float_value == 123.5
    assert born["Process/force_pv_kn"].datatype == DataType.FLOAT
    assert born["Batch/Run"].string_value == "r1"
    assert born["Unit/Kind"].string_value == "uniaxial_press"
