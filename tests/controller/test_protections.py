"""No row of the matrix is dropped in silence: what a machine does not show is stated in its profile, with why."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from controller.executor.coat import CoatTrace, _watch
from controller.interlocks import KINDS, Unwatched, unwatched
from drivers.errors import ProfileError
from drivers.profile import Profile
from drivers.profile_file import check_profile, load_profile, read_profile, shipped_profiles
from drivers.profile_kinds import MACHINE_SIGNALS, MACHINES, needs_of
from drivers.reading import Snapshot
from tests.controller.recipes_for_tests import EXAMPLE, planned
from tests.controller.test_cli import pressline

SHIPPED = {profile.kind: profile for name in shipped_profiles() if (profile := load_profile(name)).is_machine}
REASON = "its slurries are of water, nothing in the oven burns"
CASES = [(kind, name) for kind, needs in MACHINES.items() for name in sorted(needs.protections)]


def site_profile(folder: Path, kind: str, name: str, without: str = "") -> Path:
    """A site's own profile that is the shipped one but for a signal or a bit, in its signals and its blocks."""
    path = Path(load_profile.__code__.co_filename).parent / "profiles" / f"{kind.replace('_', '-')}-generic.yaml"
    text = path.read_text(encoding="utf-8")
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(f"- {{name: {name},"))
    other = "" if name in SIGNALS else f"spare_{name}"  # bits keep their places
    kept = re.sub(rf"(?<=[\[ ,]){name}(?=[,\]])", other, kept).replace(", ,", ",")
    assert kept != text
    site = folder / "site.yaml"
    site.write_text(kept.replace("\nsignals:\n", f"\n{without}\nsignals:\n", 1), encoding="utf-8")
    return site


SIGNALS = frozenset(name for profile in SHIPPED.values() for name in profile.signals)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_profile_without_a_protection_is_refused_unless_it_says_why(kind: str, name: str, tmp_path: Path) -> None:
    words = rf"site.yaml:\d+:\d+: signals: {name} is missing: a {kind} is held by it; where"
    with pytest.raises(ProfileError, match=words):
        read_profile(site_profile(tmp_path, kind, name))
    profile = read_profile(site_profile(tmp_path, kind, name, f"without: {{{name}: '{REASON}'}}"))
    (gap,) = unwatched(profile)
    assert (gap.signal, gap.reason) == (name, REASON)
    assert gap.rows
    assert not [each for each in unwatched(SHIPPED[kind]) if each.signal == name]


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("without: {lel_pct: ''}", "lel_pct"),
        ("without: {lel_pct: ' '}", "needs a reason: why is the machine safe without it?"),
        (f"without: {{lel_pct: '{REASON}', fan_ok: none}}", "is nothing that a coater may be without; that are"),
        (f"without: {{lel_pct: '{REASON}', guard_closed: none}}", "is among the signals: take it out here"),
    ],
)
def test_what_is_said_to_be_missing_must_be_so_and_have_a_reason(without: str, words: str, tmp_path: Path) -> None:
    mistakes, _ = check_profile(site_profile(tmp_path, "coater", "lel_pct", without))
    assert len(mistakes) == 1
    assert words in mistakes[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_that_a_row_reads_is_needed_or_stated(kind: str) -> None:
    """A new row on a signal that profiles may lack has to be set down in drivers/profile_kinds.py."""
    profile = SHIPPED[kind]
    assert unwatched(profile) == []
    needs = needs_of(kind, profile.signals)
    known = {*MACHINE_SIGNALS, *needs.values, *needs.bits, *needs.protections, "lease_owner"}
    known |= {*profile.signals["alarm_bits"].bits}
    bare = Profile(profile.name, kind, profile.protocol, profile.identity, profile.timing, {})
    assert {gap.signal for gap in unwatched(bare)} <= known


def test_a_coater_without_a_sensor_for_vapour_coats(tmp_path: Path) -> None:
    profile = read_profile(site_profile(tmp_path, "coater", "lel_pct", f"without: {{lel_pct: '{REASON}'}}"))
    values = dict.fromkeys(profile.signals, 0.0) | {"phase": 8.0, "zone1_c": 100.0, "zone2_c": 120.0}
    steps = [each.step for each in planned(EXAMPLE, None).steps]
    coat = next(step.coat for step in steps if step.coat is not None)
    seen = CoatTrace.of(len(coat.zone_temperatures_c), has_sensor="lel_pct" in profile.signals)
    values |= {f"zone{n}_c": zone_c for n, zone_c in enumerate(coat.zone_temperatures_c, start=1)}
    assert _watch(Snapshot.of("coater", profile, 0.0, values), coat, "coater", seen) is None
    assert len(seen.web_speed_m_min) == 1


def test_a_line_shows_what_is_not_watched(tmp_path: Path) -> None:
    profile = site_profile(tmp_path, "coater", "lel_pct", f"without: {{lel_pct: '{REASON}'}}")
    line = tmp_path / "line.toml"
    line.write_text(
        f'[units.coater-1]\nkind = "coater"\nprofile = "{profile}"\nurl = "tcp://127.0.0.1:9"\n'
        '[units.press-1]\nkind = "uniaxial_press"\nprofile = "uniaxial-press-generic"\nurl = "tcp://127.0.0.1:9"\n',
        encoding="utf-8",
    )
    gap = f"no vapour, vapour below its trip not watched, there is no lel_pct: {REASON}"
    assert pressline("interlocks", "--line", line).output.splitlines() == [
        f"coater-1: {gap}",
        "press-1: every row of its kind is watched",
    ]
    shown = json.loads(pressline("interlocks", "--line", line, "--json").output)["not_watched"]
    rows = ["no vapour", "vapour below its trip"]
    assert shown == {"coater-1": [{"missing": "lel_pct", "rows": rows, "reason": REASON}], "press-1": []}
    told = pressline("doctor", line).output
    assert "interlocks" in told
    assert REASON in " ".join(told.split())
    assert pressline("interlocks", "--line", tmp_path / "none.toml").exit_code == 2
    assert str(Unwatched("lel_pct", ("no vapour",), "")) == "no vapour not watched, there is no lel_pct"
