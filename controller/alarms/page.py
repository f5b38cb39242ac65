"""The reference page of the alarms, made from the state table and the alarm table (docs/reference/alarms.md)."""

from __future__ import annotations

from collections.abc import Iterator

from controller.alarms.definition import Definition, FromBit, FromCondition, FromEvent, FromValue, FromWatch, Source
from controller.alarms.flood import BEGINS_ABOVE, ENDS_BELOW
from controller.alarms.metrics import (
    ACCEPTABLE_PER_10_MIN,
    CHATTER_COUNT,
    CHATTER_WITHIN_S,
    MANAGEABLE_PER_10_MIN,
    MAX_HOUR,
    MAX_SHARE_PCT,
    MAX_STALE,
    MAX_TOP_SHARE_PCT,
)
from controller.alarms.states import TABLE, AlarmEvent, AlarmState, drawn
from controller.alarms.table import AlarmTable


def reference_page(table: AlarmTable) -> str:
    """The whole page, as Markdown."""
    parts = [_head(), _states(), _priorities(table), _others(table), _rows(table), _quiet(table), _limits()]
    return "\n\n".join(parts) + "\n"


def _head() -> str:
    return """# Alarms
Made from `controller/alarms/states.py` and `controller/alarms/table.yaml` by `pressline alarms table --page`; a test
compares. Why it is so: [explanation](../explanation/alarms.md). What to do at the line:
[how-to](../how-to/handle-alarms.md)."""


def _states() -> str:
    columns = list(AlarmEvent)
    head = "| state | " + " | ".join(columns) + " |"
    rule = "|---" * (len(columns) + 1) + "|"
    rows = [
        f"| {state} | " + " | ".join(TABLE.get((state, event), "") for event in columns) + " |" for state in AlarmState
    ]
    return "\n".join(
        [
            "## States",
            "What is not in the table is refused. Who ends a shelving, a suppression or an outage finds a normal",
            "alarm; if its condition is there it is raised at once. `latch` is the return of an alarm that latches.",
            "",
            head,
            rule,
            *rows,
            "",
            "```mermaid",
            drawn(),
            "```",
        ]
    )


def _priorities(table: AlarmTable) -> str:
    lines = [
        "## Priorities",
        "| priority | begin to act within | share of all alarms to aim at | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.priority} | {_time(row.respond_s)} | {row.share_pct:g} % | {row.meaning} |"
        for row in table.priorities.values()
    ]
    lines += [
        "",
        "The priority follows from what is at stake if nobody acts, and from the time that is left:",
        "",
        "| at stake | less than 3 min | less than 10 min | more |",
        "|---|---|---|---|",
    ]
    lines += [f"| {severity} | {' | '.join(row)} |" for severity, row in table.matrix.items()]
    return "\n".join(lines)


def _others(table: AlarmTable) -> str:
    lines = ["## Classes", "| class | what it is |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in table.classes.items()]
    lines += ["", "## Suppressed by design", "| name | while | because |", "|---|---|---|"]
    lines += [
        f"| {one.name} | `{one.signal}` of a {one.kind} is {', '.join(sorted(one.words))} | {one.meaning} |"
        for one in table.suppressions.values()
    ]
    return "\n".join(lines)


def _rows(table: AlarmTable) -> str:
    lines = [
        f"## The {len(table.definitions)} alarms",
        "| alarm | priority | class | raised by | time to respond | shelving at most | out of service |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(row) for row in table.definitions.values()]
    for row in table.definitions.values():
        lines += ["", f"### {row.name}", *_details(row)]
    return "\n".join(lines)


def _row(row: Definition) -> str:
    shelving = _time(row.shelve_max_s) if row.shelve_max_s else "never"
    cells = [
        f"[{row.name}](#{row.name})",
        row.priority.value,
        row.alarm_class,
        source_words(row.source),
        _time(row.respond_s),
        shelving,
        "may be" if row.removable else "never",
    ]
    return f"| {' | '.join(cells)} |"


def _details(row: Definition) -> Iterator[str]:
    yield f"{row.message[0].upper()}{row.message[1:]}."
    yield ""
    yield f"- Cause: {row.cause}."
    yield f"- If nobody acts: {row.consequence}."
    yield f"- By itself: {row.automatic}."
    yield f"- What to do: {row.action}."
    if more := list(_more(row)):
        yield f"- {'; '.join(more)}."


def _more(row: Definition) -> Iterator[str]:
    """What is not as usual."""
    if row.on_delay_s:
        yield f"on delay {_time(row.on_delay_s)}"
    if row.off_delay_s:
        yield f"off delay {_time(row.off_delay_s)}"
    if row.deadband:
        yield f"deadband {row.deadband:g}"
    if row.latching:
        yield "latches, needs a reset"
    if row.is_momentary:
        yield "over as it happens; stays until acknowledged"
    if row.first_out:
        yield "can be the first-out of its unit's trip"
    if row.suppressed_by:
        yield f"silent by design: {row.suppressed_by}"
    if row.ends_with_process:
        yield "returns when the program that told it ends"


def source_words(source: Source) -> str:
    """Where an alarm comes from, in a cell of a table."""
    match source:
        case FromBit(kinds, signal, bit, on):
            machines = "machines" if len(kinds) > 1 else kinds[0].replace("_", " ")
            which = "bits that no row names" if bit == "*" else f"`{bit}`{'' if on else ' off'}"
            return f"{machines}: {which} in `{signal}`"
        case FromValue(kinds, signal, high, low, against):
            named = (("below", low), ("above", high))
            limits = " or ".join(f"{word} {limit:g}" for word, limit in named if limit is not None)
            return f"{kinds[0].replace('_', ' ')}: `{signal}` {limits}{f' from `{against}`' if against else ''}"
        case FromEvent(raised, _, _, _):
            where = [key for key in raised.where if key not in ("state", "who")]
            states = raised.where.get("state", ())
            state = " " + " or ".join((states,) if isinstance(states, str) else states) if states else ""
            return f"event `{raised.kind}`{state}" + (f", by its {', '.join(where)}" if where else "")
        case FromCondition(name):
            shown = "that no row names" if name == "*" else f"`{name.removeprefix('~')}`"
            return f"condition {shown}"
        case FromWatch(what, reason):
            words = {"link": "the link goes down", "values": "values of bad quality", "flood": "the rate of alarms"}
            return words[what] + (f" with the reason `{reason}`" if reason else "")


def _quiet(table: AlarmTable) -> str:
    lines = ["## Events that need no alarm", "| kind | why |", "|---|---|"]
    return "\n".join(lines + [f"| `{kind}` | {why} |" for kind, why in table.quiet.items()])


def _limits() -> str:
    rows = [
        (
            "alarms in ten minutes, on average",
            f"{ACCEPTABLE_PER_10_MIN:g} acceptable, {MANAGEABLE_PER_10_MIN:g} at most",
        ),
        ("alarms in any ten minutes", f"{BEGINS_ABOVE} at most"),
        ("flood", f"begins with more than {BEGINS_ABOVE} in ten minutes, ends with fewer than {ENDS_BELOW}"),
        ("ten minutes in flood", f"{MAX_SHARE_PCT:g} % at most"),
        (f"hours with more than {MAX_HOUR} alarms", f"{MAX_SHARE_PCT:g} % at most"),
        ("the ten most frequent alarms", f"{MAX_TOP_SHARE_PCT:g} % of all at most"),
        ("alarms that chatter", f"none: {CHATTER_COUNT} times within {CHATTER_WITHIN_S:g} s (engineering judgement)"),
        ("alarms that stand for more than a day", f"fewer than {MAX_STALE}"),
    ]
    lines = [
        "## Limits of the figures",
        "For one operator position, after ANSI/ISA-18.2-2016, clause 16, and EEMUA 191; `pressline alarms metrics`.",
        "",
        "| figure | limit |",
        "|---|---|",
    ]
    return "\n".join(lines + [f"| {name} | {limit} |" for name, limit in rows])


def _time(seconds: float) -> str:
    for unit, length_s in (("h", 3600.0), ("min", 60.0)):
        if seconds >= length_s:
            return f"{seconds / length_s:g} {unit}"
    return f"{seconds:g} s"
