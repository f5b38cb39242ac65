"""Which signals are read together: the fewest requests that a controller's map allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drivers.profile import REGISTER_TABLES, Block, ModbusMap, Signal, Table

MAX_BITS = 2000  # Modbus application protocol V1.1b3, 6.1 and 6.2: at most 2000 coils or inputs a read
_TABLES: tuple[Table, ...] = ("input", "holding", "discrete", "coil")


def read_plan(signals: Iterable[Signal], modbus: ModbusMap) -> tuple[Block, ...]:
    """Blocks that read every readable signal once: polled ones first, then by table and address.

    A block never covers an unreadable address, nor a register that can only be written.
    """
    known = list(signals)
    return tuple(
        block for poll in (True, False) for table in _TABLES for block in _blocks(known, modbus, table, poll=poll)
    )


def _blocks(signals: list[Signal], modbus: ModbusMap, table: Table, *, poll: bool) -> Iterator[Block]:
    """Taking as much as fits, from the lowest address on, gives the fewest blocks: a part of a block is a block too."""
    here = [s for s in signals if s.table == table and s.address is not None]
    forbidden = [*modbus.unreadable, *(_span(s) for s in here if s.access == "w")]
    longest = modbus.max_registers if table in REGISTER_TABLES else MAX_BITS
    group: list[Signal] = []
    for signal in sorted((s for s in here if s.access != "w" and s.poll == poll), key=_span):
        if group:
            (start, _), (_, end) = _span(group[0]), _span(group[-1])
            first, last = _span(signal)
            near = first - end - 1 <= modbus.max_gap and last - start < longest
            if not near or any(low < first and high > end for low, high in forbidden):
                yield _block(table, group, poll=poll)
                group = []
        group.append(signal)
    if group:
        yield _block(table, group, poll=poll)


def _block(table: Table, group: list[Signal], *, poll: bool) -> Block:
    start, end = _span(group[0])[0], _span(group[-1])[1]
    return Block(f"{table}-{start}", tuple(s.name for s in group), table, start, end - start + 1, poll)


def _span(signal: Signal) -> tuple[int, int]:
    """First and last address."""
    first = signal.address or 0
    return first, first + signal.words - 1
