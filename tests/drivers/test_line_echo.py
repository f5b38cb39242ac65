"""Adapters that send back what they were sent: expected where they are told of, never taken for an answer."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import (
    OutcomeUnknown,
)
from simulators.clock import run_virtual
from tests.drivers.scripted import (
    reading,
    ready,
    rtu_frame,
    rtu_units,
    turns,
    virtual,
)


@virtual
async def test_an_echo_is_expected_where_the_adapter_makes_one() -> None:
    wire, (unit,) = rtu_units(1, echo=True)
    await ready(unit)
    request = rtu_frame(1, "06 0005 0007")
    task = asyncio.create_task(unit.write(5, [7], single=True))
    await turns()
    for byte in request:
        wire.say(bytes([byte]))
    await turns()
    assert not task.done()
    wire.say(request)
    await task
    task = asyncio.create_task(unit.write(5, [7], single=True))
    await turns()
    wire.say(request)
    with pytest.raises(OutcomeUnknown, match="half an answer"):
        await task
    await unit.close()


@pytest.mark.parametrize("single", [True, False])
def test_an_echo_acknowledges_no_write(single: bool) -> None:
    async def main() -> None:
        wire, (unit,) = rtu_units(1)
        await ready(unit)
        task = asyncio.create_task(unit.write(5, [7], single=single))
        await turns()
        wire.say(wire.sent[-1])
        with pytest.raises(OutcomeUnknown):
            await task
        await unit.close()

    run_virtual(main())


@virtual
async def test_a_single_write_is_acknowledged_once_the_line_is_known_to_have_no_echo() -> None:
    wire, (unit,) = rtu_units(1)
    await ready(unit)
    task = reading(unit)
    await turns()
    wire.say(rtu_frame(1, "04 02 0007"))
    await task
    for table, pdu in (("holding", "06 0005 0001"), ("coil", "05 0005 FF00")):
        write = asyncio.create_task(unit.write(5, [1], table=table, single=True))  # type: ignore[arg-type]
        await turns()
        assert wire.sent[-1] == rtu_frame(1, pdu)
        wire.say(rtu_frame(1, pdu))
        await write
    await unit.close()
