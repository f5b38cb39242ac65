"""What a unit asks and makes of the answers, in virtual time; and any bytes in any pieces."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import (
    DeviceRefused,
    DriverError,
    OutcomeUnknown,
    OutOfRange,
    ResponseTimeout,
    WrongAnswer,
)
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from simulators.clock import run_virtual
from tests.drivers.scripted import (
    QUIET_S,
    TIMEOUT_S,
    ScriptedWire,
    reading,
    ready,
    rtu_frame,
    rtu_units,
    tcp_frame,
    tcp_units,
    turns,
    virtual,
)


@pytest.mark.parametrize(
    ("ask", "request_pdu", "answer_pdu", "value"),
    [
        (lambda u: u.read("coil", 3, 10), "01 0003 000A", "01 02 0502", [1, 0, 1, 0, 0, 0, 0, 0, 0, 1]),
        (lambda u: u.read("discrete", 0, 8), "02 0000 0008", "02 01 80", [0] * 7 + [1]),
        (lambda u: u.read("holding", 9, 2), "03 0009 0002", "03 04 0001 FFFF", [1, 65535]),
        (lambda u: u.read("input", 9, 1), "04 0009 0001", "04 02 8000", [32768]),
        (lambda u: u.write(5, [1, 0, 1], table="coil"), "0F 0005 0003 01 05", "0F 0005 0003", None),
        (lambda u: u.write(5, [1, 2]), "10 0005 0002 04 0001 0002", "10 0005 0002", None),
    ],
)
@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_functions(framing: str, ask: Any, request_pdu: str, answer_pdu: str, value: Any) -> None:
    async def main() -> None:
        wire, (unit,) = tcp_units(17) if framing == "tcp" else rtu_units(17)
        await ready(unit)
        task = asyncio.create_task(ask(unit))
        await turns()
        asked, answer = (
            tcp_frame(1, 17, pdu) if framing == "tcp" else rtu_frame(17, pdu) for pdu in (request_pdu, answer_pdu)
        )
        assert wire.sent == [asked]
        wire.say(answer)
        assert await task == value
        await unit.close()

    run_virtual(main())


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_identification_is_put_together(framing: str) -> None:
    async def main() -> None:
        wire, (unit,) = tcp_units(1) if framing == "tcp" else rtu_units(1)
        await ready(unit)
        task = asyncio.create_task(unit.identification())
        answers = [
            "2B 0E 01 82 FF 02 02 00 03 414243 01 02 5831",
            "2B 0E 01 82 00 00 01 02 02 5632",
            "2B 0E 02 82 00 00 01 05 04 4D6F6465",
        ]
        for number, answer in enumerate(answers, start=1):
            await turns()
            frame = tcp_frame(number, 1, answer) if framing == "tcp" else rtu_frame(1, answer)
            wire.say(frame[:9])
            wire.say(frame[9:])
        texts = {"vendor_name": "ABC", "product_code": "X1", "revision": "V2", "model_name": "Mode"}
        assert await task == texts
        asked = [sent[7:] if framing == "tcp" else sent[1:-2] for sent in wire.sent]
        assert asked == [bytes.fromhex(pdu) for pdu in ("2B 0E 01 00", "2B 0E 01 02", "2B 0E 02 03")]
        await unit.close()

    run_virtual(main())


@virtual
async def test_a_gateway_that_gets_no_answer_is_no_refusal() -> None:
    wire, (unit,) = tcp_units(1)
    await ready(unit)
    for code, read_error, write_error in ((11, ResponseTimeout, OutcomeUnknown), (2, DeviceRefused, DeviceRefused)):
        task = reading(unit)
        await turns()
        wire.say(tcp_frame(int.from_bytes(wire.sent[-1][:2], "big"), 1, f"84 {code:02X}"))
        with pytest.raises(read_error):
            await task
        write = asyncio.create_task(unit.write(1, [1]))
        await turns()
        wire.say(tcp_frame(int.from_bytes(wire.sent[-1][:2], "big"), 1, f"90 {code:02X}"))
        with pytest.raises(write_error):
            await write
    assert unit.session == 1
    await unit.close()


@virtual
async def test_the_senseless_is_never_sent() -> None:
    wire, (unit,) = rtu_units(1)
    await ready(unit)
    for table, address, count in (("input", 0, 126), ("input", 0, 0), ("coil", 0, 2001), ("input", 65535, 2)):
        with pytest.raises(OutOfRange):
            await unit.read(table, address, count)  # type: ignore[arg-type]
    for values in ([65536], [-1], [], [1] * 124, [1.5]):
        with pytest.raises(OutOfRange):
            await unit.write(0, values)  # type: ignore[arg-type]
    with pytest.raises(OutOfRange):
        await unit.write(0, [2], table="coil")
    with pytest.raises(OutOfRange):
        await unit.write(0, [1], table="input")
    with pytest.raises(OutOfRange):
        await unit.write(0, [1, 2], single=True)
    assert wire.sent == []
    await unit.close()


# ---- any bytes in any pieces


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["tcp", "rtu", "rtu+tcp"]), st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 2**32))
def test_any_bytes_in_any_pieces(framing: str, pieces: list[bytes], seed: int) -> None:
    async def main() -> None:
        random, faults = Random(seed), []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        wire, units = tcp_units(1, 2) if framing == "tcp" else rtu_units(1, 2, drops=framing == "rtu+tcp")
        for piece in pieces:
            for unit in units:
                await unit.open()
            task = reading(random.choice(units), 5)
            await asyncio.sleep(random.choice([0.0, 0.5 * QUIET_S, 2 * QUIET_S]))
            sent = wire.sent[-1] if wire.sent else b""
            wire.say(random.choice([piece, sent[:6] + piece, sent[:7] + b"\x04\x02" + piece, sent[:1] + piece]))
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            assert isinstance(outcome, list | DriverError), outcome
        for unit in units:
            await ready(unit)
        wire.answers = {rtu_frame(2, "04 0005 0001"): rtu_frame(2, "04 02 0007")} | {
            tcp_frame(n, 2, "04 0005 0001"): tcp_frame(n, 2, "04 02 0007") for n in range(1, 40)
        }
        assert await units[1].read("input", 5, 1) == [7]
        for unit in units:
            await unit.close()
        assert faults == []

    run_virtual(main())


@virtual
async def test_waiting_for_a_true_answer_that_may_still_come_is_no_chatter() -> None:
    wire = ScriptedWire(drops=False)
    unit = ModbusUnit(Line(wire), 1, "rtu", response_timeout_s=TIMEOUT_S, quiet_s=TIMEOUT_S / 100)
    await ready(unit)
    first = reading(unit, 1)
    await turns()
    wire.say(b"\xff")
    with pytest.raises(WrongAnswer):
        await first
    second = reading(unit, 2)
    await asyncio.sleep(0.9 * TIMEOUT_S)
    wire.say(rtu_frame(1, "04 02 0007"))
    await asyncio.sleep(0.2 * TIMEOUT_S)
    assert len(wire.sent) == 2
    wire.say(rtu_frame(1, "04 02 0009"))
    assert await second == [9]
    assert unit.session == 1
    await unit.close()
