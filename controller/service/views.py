"""The line as it is now, as immutable plain values: `dataclasses.asdict` makes JSON of them.

Times are UTC in ISO 8601 (`_utc`) or seconds of the line's clock until now or from now on (`_s`). None says that a
value is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ValueView:
    """One live value. quality is good, uncertain or bad; value is None where there is no number."""

    name: str
    value: float | int | str | None
    unit: str
    quality: str
    age_s: float


@dataclass(frozen=True, slots=True)
class InterlockView:
    """An interlock that does not hold now: its row, what would follow (or follows) in a job, and why."""

    row: str
    effect: str
    words: str
    is_bypassed: bool


@dataclass(frozen=True, slots=True)
class BypassView:
    """A bypass in force."""

    unit: str
    row: str
    role: str
    who: str
    reason: str
    begun_utc: str
    until_utc: str


@dataclass(frozen=True, slots=True)
class UnitBrief:
    """A unit in one line. state and phase are "" where nothing is known; available: a run may be given it."""

    name: str
    kind: str
    is_connected: bool
    state: str
    phase: str
    owner: str
    is_available: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class UnitView:
    """One machine or instrument.

    link says why it is connected or not; state is its PackML state, phase what it does in its job. owner is the run (or
    the person, "by hand: NAME") that has it; kept why it is not given back although nobody works with it. missing has,
    by command (load, start, restart, reset, write by hand), what keeps it from being sent. queue counts the runs that
    wait for it. An instrument is asked when it is needed, and shows no live values.
    """

    name: str
    kind: str
    is_machine: bool
    is_connected: bool
    link: str
    state: str
    phase: str
    owner: str
    kept: str
    out_of_service: str
    is_available: bool
    why_not: str
    queue: int
    serial_number: float | None
    age_s: float | None
    values: tuple[ValueView, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    interlocks: tuple[InterlockView, ...] = ()
    bypasses: tuple[BypassView, ...] = ()


@dataclass(frozen=True, slots=True)
class StepView:
    """One step. state is open, working, done or broken off; predicted_s is how long its plan says that it takes."""

    name: str
    kind: str
    unit: str | None
    state: str
    predicted_s: float
    begun_utc: str | None = None
    ended_utc: str | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """One run.

    version counts its changes of state: a command that names another one is refused. is_open: the service works on it
    or waits for a decision on it. is_left: an earlier process (or a fault) left it. commands are those that its state
    admits. why says why it does not go on, or that it does. progress_pct is the share of its predicted work that is
    done; left_s what is left of it, left_how what that number means. problems are the last messages of its record.
    """

    name: str
    recipe: str
    title: str
    plan_hash: str
    purpose: str
    state: str
    version: int
    priority: int
    is_open: bool
    is_left: bool
    step: str
    unit: str
    phase: str
    reason: str
    why: str
    choices: Mapping[str, str]
    commands: tuple[str, ...]
    prompts: tuple[str, ...]
    steps: tuple[StepView, ...]
    progress_pct: float
    elapsed_s: float
    left_s: float | None
    left_how: str
    created_utc: str
    by: str
    is_simulated: bool
    approval: Mapping[str, object] | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunBrief:
    """A run in one line."""

    name: str
    recipe: str
    state: str
    version: int
    step: str
    unit: str
    why: str
    progress_pct: float
    left_s: float | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One value that a prompt wants. A number outside expected +- tolerance is asked for again."""

    name: str
    subject: str
    unit: str
    expected: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class PromptView:
    """One thing that is asked of people.

    lots have to be stated or scanned as they are named here, RUN/LOT. is_optional: values may be left out. is_again:
    the task is done, only its values are asked for once more. may_be_done: an earlier process had asked for it already;
    look first. escalated_to is who was told that nobody answers, "" for nobody yet.
    """

    id: str
    run: str
    action: str
    text: str
    unit: str | None
    lots: tuple[str, ...]
    produces: str | None
    entries: tuple[EntryView, ...]
    choices: tuple[str, ...]
    is_optional: bool
    is_again: bool
    may_be_done: bool
    asked_utc: str
    waiting_s: float
    within_s: float
    escalated_to: str


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm with what its table says of it. hidden: shelved, suppressed by design or out of service."""

    key: str
    name: str
    subject: str
    state: str
    priority: str
    text: str
    is_unseen: bool
    is_hidden: bool
    is_active: bool
    count: int
    is_first_out: bool
    raised_s_ago: float
    hidden_for_s: float | None
    who: str
    why: str
    cause: str
    consequence: str
    action: str
    respond_s: float
    shelve_max_s: float
    is_removable: bool


@dataclass(frozen=True, slots=True)
class LineView:
    """The line at a glance. accepts_runs: a run may be started; why_not says what is against it.

    alarms counts those that stand, by priority; unseen those of them that nobody has acknowledged. faults are of the
    service itself: tasks that do not work, a journal that takes nothing.
    """

    name: str
    utc: str
    is_simulated: bool
    speed: float
    accepts_runs: bool
    why_not: tuple[str, ...]
    units: tuple[UnitBrief, ...]
    runs: tuple[RunBrief, ...]
    prompts: int
    alarms: Mapping[str, int]
    unseen: int
    bypasses: tuple[BypassView, ...]
    faults: tuple[str, ...]
