"""Faults of wires: what happens to the bytes between a controller and a machine."""

from __future__ import annotations

from simulators.faults.fault import Fault, Parameter

_SHARE = Parameter("share", 1.0, "share of the exchanges that it happens to", low=0.0, high=1.0)
_TIMES = Parameter("times", 0.0, "ends after so many; 0 for no limit", low=0.0, high=1e6)
_ASKED = ("any", "reads", "writes", "commands", "jobs", "heartbeats")
_OF = Parameter("of", "any", "which exchanges", choices=_ASKED)
_WRITES = Parameter("of", "writes", "which writes", choices=("writes", "commands", "jobs", "heartbeats"))
_USUAL = (_SHARE, _TIMES, _OF)
_DELAY = Parameter("delay_s", 0.0, "how late; 0 for 1.2 times the profile's response timeout", "s", 0.0, 3600.0)
_COUNT = Parameter("count", 1.0, "how many bytes", low=1.0, high=64.0)
_READ = "the value is bad, never another's; the line is in step again within one transaction after it is quiet"
_WRITTEN = "read back; never blindly sent again; unknown means hold, with the reason"


def _read(name: str, meaning: str, *parameters: Parameter, expected: str = _READ) -> Fault:
    return Fault(f"wire.{name}", "wire", (), meaning, expected, False, (*parameters, *_USUAL), "wire")


def _write(name: str, meaning: str) -> Fault:
    return Fault(f"wire.{name}", "wire", (), meaning, _WRITTEN, False, (_SHARE, _TIMES, _WRITES), "wire")


WIRE_FAULTS = (
    _read("stray_byte", "bytes that nobody sent stand somewhere in the answer", _COUNT),
    _read("lost_byte", "bytes of the answer are missing", _COUNT),
    _read("doubled_byte", "a byte of the answer comes twice"),
    _read("corrupt", "a bit of the answer is wrong: the checksum does not fit, or the header where there is none"),
    _read(
        "split",
        "the answer comes in pieces",
        Parameter("pause_s", 0.01, "between two pieces", "s", 0.0, 60.0),
        expected="the pieces are put together, or the value is bad; never a wrong one",
    ),
    _read("glued", "the answer before this one comes again, glued to it"),
    _read("late", "the answer comes after the timeout", _DELAY),
    _read("other_unit", "the answer is another unit's, and sound"),
    _read("other_function", "the answer is to another kind of request, and sound"),
    _read("other_length", "the answer holds one value less than was asked, and is sound"),
    _read("echo", "a two-wire adapter sends back what it is sent, before the answer"),
    _read("noise", "a burst of noise before the answer", Parameter("count", 16.0, "how many bytes", "", 1.0, 4096.0)),
    _read(
        "dead_unit",
        "the unit answers nothing; others on its line do",
        expected="link lost is told; the other machines on the line keep their rate",
    ),
    _read(
        "half_open",
        "what is connected now is heard no more and not told so; a new connection works",
        expected="link lost is told; connected anew and identified",
    ),
    _read("no_transaction", "a gateway puts 0 in place of the transaction's number (Modbus TCP)"),
    _read("reset", "the connection ends in the middle of the answer", expected="connected anew, identified, no value"),
    _read("slow", "the line takes longer than the timeout for every answer, one after the other", _DELAY),
    _write("write_answer_lost", "a write is obeyed and its answer is lost"),
    _write("write_refused_but_done", "a write is obeyed and answered with an exception"),
    _write("write_partly_done", "only the first of several written values are taken, and all are acknowledged"),
    _write("write_echo_differs", "a write is obeyed, and its answer repeats another address or value than was sent"),
)
