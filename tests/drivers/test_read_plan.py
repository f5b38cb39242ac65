"""Reads are merged into the fewest requests, and never touch what must not be read."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.profile import WORDS, Block, ModbusMap, Signal, Table
from drivers.profile_file import load_profile
from drivers.read_plan import MAX_BITS, read_plan

KINDS = sorted(set(WORDS) - {"bool"})


def s(address: int, kind: str = "uint16", table: Table = "input", **more: object) -> Signal:
    return Signal(f"{table}_{address}", kind, "", table=table, address=address, **more)  # type: ignore[arg-type]


def spans(blocks: tuple[Block, ...]) -> list[tuple[str, int, int, bool]]:
    return [(b.table or "", b.address, b.count, b.poll) for b in blocks]


# ---- examples


def test_a_gap_is_read_over_up_to_its_limit() -> None:
    assert spans(read_plan([s(0), s(17)], ModbusMap())) == [("input", 0, 18, True)]
    assert spans(read_plan([s(0), s(18)], ModbusMap())) == [("input", 0, 1, True), ("input", 18, 1, True)]
    assert spans(read_plan([s(0), s(1), s(3)], ModbusMap(max_gap=0))) == [("input", 0, 2, True), ("input", 3, 1, True)]


def test_a_request_is_no_longer_than_the_controller_takes() -> None:
    ten = [s(2 * i, "float32") for i in range(10)]
    assert spans(read_plan(ten, ModbusMap(max_registers=7))) == [
        ("input", 0, 6, True),
        ("input", 6, 6, True),
        ("input", 12, 6, True),
        ("input", 18, 2, True),
    ]
    full = [s(i) for i in range(126)]
    assert spans(read_plan(full, ModbusMap())) == [("input", 0, 125, True), ("input", 125, 1, True)]


def test_what_must_not_be_read_is_not_read_over() -> None:
    around = [s(0), s(2)]
    assert len(read_plan(around, ModbusMap(unreadable=((1, 1),)))) == 2
    assert len(read_plan(around, ModbusMap(unreadable=((3, 9),)))) == 1
    write_only = s(1, table="holding", access="w", poll=False)
    assert spans(read_plan([s(0, table="holding"), write_only, s(2, table="holding")], ModbusMap())) == [
        ("holding", 0, 1, True),
        ("holding", 2, 1, True),
    ]


def test_tables_and_polled_values_stay_apart() -> None:
    mixed = [s(0, poll=False), s(1), s(0, table="holding"), s(0, "bool", "coil"), s(0, "bool", "discrete")]
    assert [b.name for b in read_plan(mixed, ModbusMap())] == [
        "input-1",
        "holding-0",
        "discrete-0",
        "coil-0",
        "input-0",
    ]


def test_coils_come_by_thousands() -> None:
    far = [s(0, "bool", "coil"), s(MAX_BITS - 1, "bool", "coil"), s(MAX_BITS, "bool", "coil")]
    assert [b.count for b in read_plan(far, ModbusMap(max_gap=MAX_BITS))] == [MAX_BITS, 1]


def test_the_presses_cost_one_request_a_poll() -> None:
    """36 and 42 registers from 0, as the register documents group them."""
    for name, count, echo in (("uniaxial-press-generic", 36, (40, 18)), ("isostatic-press-generic", 42, (50, 22))):
        profile = load_profile(name)
        assert spans(profile.polled) == [("input", 0, count, True)]
        block = profile.block_of["job_id_echo"]
        assert (block.address, block.count, block.poll) == (*echo, False)
        assert {profile.block_of[signal.echo or ""] for signal in profile.job} == {block}


# ---- properties, against a search through all partitions


@st.composite
def maps(draw: st.DrawFn) -> tuple[list[Signal], ModbusMap]:
    signals: list[Signal] = []
    address = draw(st.integers(0, 3))
    for _ in range(draw(st.integers(1, 7))):
        kind, access = draw(st.sampled_from(KINDS)), draw(st.sampled_from(["r", "r", "r", "w"]))
        signals.append(s(address, kind, "holding", access=access, poll=access == "r"))
        address += WORDS[kind] + draw(st.integers(0, 4))
    taken = {a for x in signals if x.access == "r" for a in range(x.address or 0, (x.address or 0) + x.words)}
    free = [a for a in range(address) if a not in taken]
    wall = draw(st.sampled_from([None, *free]))
    return signals, ModbusMap(
        max_registers=draw(st.integers(4, 12)),
        max_gap=draw(st.integers(0, 4)),
        unreadable=() if wall is None else ((wall, wall),),
    )


def readable(signals: list[Signal], whole: list[Signal], modbus: ModbusMap) -> bool:
    """Whether one request may read these signals, said once more and in another way."""
    used = [set(range(x.address or 0, (x.address or 0) + x.words)) for x in signals]
    first, last = min(min(u) for u in used), max(max(u) for u in used)
    covered = set(range(first, last + 1))
    walls = {a for low, high in modbus.unreadable for a in range(low, high + 1)}
    walls |= {a for x in whole if x.access == "w" for a in range(x.address or 0, (x.address or 0) + x.words)}
    holes = "".join("." if a in set.union(*used) else "_" for a in range(first, last + 1))
    return len(covered) <= modbus.max_registers and not covered & walls and "_" * (modbus.max_gap + 1) not in holes


@settings(max_examples=300)
@given(maps())
def test_every_block_is_allowed_and_everything_is_read_once(case: tuple[list[Signal], ModbusMap]) -> None:
    signals, modbus = case
    blocks = read_plan(reversed(signals), modbus)
    by_name = {x.name: x for x in signals}
    for block in blocks:
        assert readable([by_name[name] for name in block.signals], signals, modbus)
        inside = [by_name[name] for name in block.signals]
        assert block.address == min(x.address or 0 for x in inside)
        assert block.address + block.count == max((x.address or 0) + x.words for x in inside)
    read = [name for block in blocks for name in block.signals]
    assert sorted(read) == sorted(x.name for x in signals if x.access == "r")


@settings(max_examples=300)
@given(maps())
def test_no_other_plan_has_fewer_requests(case: tuple[list[Signal], ModbusMap]) -> None:
    signals, modbus = case
    wanted = [x for x in signals if x.access == "r"]
    planned = len(read_plan(signals, modbus))
    for requests in range(planned):
        for cuts in combinations(range(1, len(wanted)), max(requests - 1, 0)):
            edges = [0, *cuts, len(wanted)]
            parts = [wanted[a:b] for a, b in pairwise(edges)]
            assert not (requests and all(part and readable(part, signals, modbus) for part in parts))
