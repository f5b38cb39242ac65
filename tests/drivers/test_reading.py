"""Quality: what cannot be trusted satisfies nothing."""

from __future__ import annotations

import math

import pytest

from drivers.errors import BadQuality
from drivers.isostatic_press import depressurised, pressure_range_mpa, sensors_agree
from drivers.profile import Block, Profile, Signal, Timing
from drivers.profile_file import load_profile
from drivers.reading import Decoder, Quality, Snapshot

PROFILE = load_profile("isostatic-press-generic")


def snapshot(**values: float) -> Snapshot:
    return Snapshot.of("press", PROFILE, 12.5, values)


def test_a_good_reading_has_unit_and_time() -> None:
    reading = snapshot(pressure_a_mpa=980.0).reading("pressure_a_mpa")
    assert (reading.value, reading.unit, reading.time_s, reading.quality) == (980.0, "MPa", 12.5, Quality.GOOD)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1300.5, -5.1])
def test_no_number_and_no_sensible_number_are_bad(value: float) -> None:
    seen = snapshot(pressure_a_mpa=value)
    assert seen.reading("pressure_a_mpa").quality is Quality.BAD
    with pytest.raises(BadQuality):
        seen.value("pressure_a_mpa")


def test_what_was_not_read_is_bad_and_what_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(BadQuality):
        snapshot().value("pressure_a_mpa")
    with pytest.raises(KeyError):
        snapshot().value("pressure_mpa")
    with pytest.raises(KeyError):
        snapshot(pressure_a_mpa=1.0).text("pressure_a_mpa")


def test_words_are_the_profiles() -> None:
    seen = snapshot(phase=4, machine_state=6)
    assert (seen.text("phase"), seen.reading("machine_state").value) == ("dwell", "EXECUTE")
    with pytest.raises(BadQuality):
        snapshot(phase=99).text("phase")


def test_bits_by_name() -> None:
    seen = snapshot(status_bits=0b1000, alarm_bits=0b10010)
    assert seen.bit("zero_pressure_switch")
    assert not seen.bit("vent_open")
    assert seen.bits("alarm_bits") == ("over_temperature", "link_lost")
    with pytest.raises(KeyError):
        seen.bit("no_such_bit")
    with pytest.raises(BadQuality):
        snapshot().bit("vent_open")


def test_a_ceiling_lowers_every_quality() -> None:
    raw = {PROFILE.polled[0].name: [0] * PROFILE.polled[0].count}
    for ceiling in (Quality.UNCERTAIN, Quality.BAD):
        seen = Snapshot("press", 0.0, Decoder(PROFILE), raw, ceiling)
        assert seen.reading("phase").quality is ceiling
    stopped = Snapshot("press", 0.0, Decoder(PROFILE), raw, Quality.BAD)
    with pytest.raises(BadQuality):
        stopped.value("pressure_a_mpa")


def test_text_that_is_no_number_is_bad() -> None:
    profile = load_profile("coater-generic")
    seen = Snapshot("coater", 0.0, Decoder(profile), {"PV": ["abc", "25.5"] + ["0"] * 9})
    assert seen.reading("web_speed_m_min").quality is Quality.BAD
    assert seen.value("zone1_c") == 25.5


def test_each_reading_has_the_time_of_its_own_block() -> None:
    profile = load_profile("coater-generic")
    data = {block.name: ["0"] * len(block.signals) for block in profile.blocks}
    times = {block.name: float(number) for number, block in enumerate(profile.blocks)}
    seen = Snapshot("coater", 99.0, Decoder(profile), data, times=times)
    for block in profile.blocks:
        assert {seen.reading(name).time_s for name in block.signals} == {times[block.name]}
    assert seen.time_s == 99.0


def test_a_text_is_read_as_it_stands_and_scaled_text_is_a_number() -> None:
    signals = {
        "model": Signal("model", "text", ""),
        "gap_um": Signal("gap_um", "integer", "", unit="um", scale=0.5, offset=-10.0),
    }
    profile = Profile("p", "gauge", "ascii", {}, Timing(0.1, 0.1), signals, (Block("A", tuple(signals)),))
    seen = Snapshot("gauge", 1.0, Decoder(profile), {"A": ["PL-TG50", "30"]})
    assert seen.reading("model").value == "PL-TG50"
    assert seen.reading("model").quality is Quality.GOOD
    assert seen.value("gap_um") == 5.0
    assert set(seen.names) == {"model", "gap_um"}
    missing = Snapshot("gauge", 1.0, Decoder(profile), {})
    assert missing.reading("model").quality is Quality.BAD
    with pytest.raises(BadQuality):
        seen.value("model")


def test_two_sensors_and_proven_zero() -> None:
    seen = snapshot(pressure_a_mpa=980.0, pressure_b_mpa=960.0, status_bits=0b1000)
    assert pressure_range_mpa(seen) == (960.0, 980.0)
    assert not sensors_agree(seen)
    assert not depressurised(seen)  # the vent is not open
    assert depressurised(snapshot(status_bits=0b11000))
