"""Everything that can go wrong between this program and a machine.

    DriverError
    |- LinkDown            retryable   nothing reaches the machine; nothing was sent
    |  |- LineReset        retryable   we dropped the connection ourselves to be rid of a late answer; nothing was sent
    |  '- TakenBack        retryable   a write gave way to a command that lowers risk; nothing was sent
    |- ResponseTimeout     retryable   a question stayed without an answer
    |- CorruptAnswer       retryable   an answer with a wrong checksum or length
    |- WrongAnswer         retryable   a sound answer, but not to our question
    |- BadQuality          retryable   the value was read and cannot be trusted; the next one may be good
    |- InstrumentBusy      retryable   an instrument had no stable reading in its time
    |- OwnedByAnother      retryable   another controller holds the machine's lease; nothing was sent
    |- DeviceRefused                   the machine answered with an exception code
    |- IdentityMismatch                another machine than the profile's answers
    |- OutOfRange                      a setpoint outside the profile's limits, or an overloaded instrument
    |- JobMismatch                     the machine's echo of the job is not what was sent
    |- CommandRejected                 the machine does not obey, and says why
    |- CommandFailed                   the machine obeyed and did not manage
    |- OutcomeUnknown                  a command may or may not have been obeyed; an unknown outcome means hold
    |- CaptureError                    a recording of the wire is wrong
    '- ProfileError                    a profile file is wrong

`retryable` says whether asking again makes sense. A write is never repeated automatically, whatever it says.
"""

from __future__ import annotations

from typing import ClassVar


class DriverError(Exception):
    """Base of all errors of this package; `retryable` says whether asking again makes sense."""

    retryable: ClassVar[bool] = False


class LinkDown(DriverError):
    """The port or connection is not there; what was to be sent has not been sent."""

    retryable = True


class LineReset(LinkDown):
    """The connection was dropped on purpose, so that a late answer cannot be taken for another's; open it again."""


class TakenBack(LinkDown):
    """A write that waited for the line gave way to a command that lowers risk; it was not sent."""


class ResponseTimeout(DriverError):
    """No answer within the profile's response timeout."""

    retryable = True


class CorruptAnswer(DriverError):
    """The answer's checksum or length is wrong."""

    retryable = True


class WrongAnswer(DriverError):
    """The answer is well formed but belongs to another unit, function, address or request."""

    retryable = True


class BadQuality(DriverError):
    """A value was asked for that cannot be trusted."""

    retryable = True


class InstrumentBusy(DriverError):
    """The instrument is there but has no stable value (yet)."""

    retryable = True


class OwnedByAnother(DriverError):
    """Another controller holds the machine; nothing was sent. It can be ours once that one gives it back or is gone."""

    retryable = True


class DeviceRefused(DriverError):
    """The machine answered with an exception.

    `code` is the protocol's number: for Modbus 1 function, 2 address, 3 value, 4 device failure, 6 busy (as the answer
    to a heartbeat: another controller holds the lease); for a line of text what the profile's refusals say.
    """

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message or f"the machine refused with code {code}")
        self.code = code


class IdentityMismatch(DriverError):
    """What answers is not the machine that the profile describes."""


class OutOfRange(DriverError):
    """A value is outside what the profile allows; nothing was sent."""


class JobMismatch(DriverError):
    """The machine's echo differs from the downloaded job; it must not be started."""


class CommandRejected(DriverError):
    """The machine refused a command; `reason` is the profile's word for why."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command} was rejected: {reason}")
        self.command = command
        self.reason = reason


class CommandFailed(DriverError):
    """The machine accepted a command and failed to carry it out; `reason` is the profile's word for why."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command} failed: {reason}")
        self.command = command
        self.reason = reason


class OutcomeUnknown(DriverError):
    """A write may have reached the machine or not. It is not sent again; an unknown outcome means hold."""


class CaptureError(DriverError):
    """A recording of the wire cannot be used; the message starts with file:line for each mistake."""


class ProfileError(DriverError):
    """A profile file cannot be used; the message starts with file:line:column for each mistake."""
