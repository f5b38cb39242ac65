"""Alarms as lines for people: the list, the history, the figures, the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.alarms.alarm import Alarm, AlarmKey
from controller.alarms.definition import Definition
from controller.alarms.metrics import Metrics
from controller.alarms.record import KINDS, PREFIX
from controller.alarms.table import AlarmTable
from controller.events import Event

NONE = "no alarm stands"


def age(seconds: float) -> str:
    """How long ago, in the largest unit that makes sense."""
    for unit, length_s in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def line_of(alarm: Alarm, now_s: float) -> str:
    """One alarm: priority, state, since when, first-out, words, key."""
    first = " FIRST-OUT" if alarm.first_out else ""
    count = f" ({alarm.count} times)" if alarm.count > 1 else ""
    if alarm.until_s is not None:
        since = f"for {age(alarm.until_s - now_s)} more"
    else:
        since = age(now_s - alarm.raised_s) if alarm.count else ""
    words = alarm.text or alarm.definition.message
    who = f", {alarm.who}" + (f": {alarm.why}" if alarm.why else "") if alarm.who else ""
    state = f"{alarm.state}{who}"
    return f"{alarm.definition.priority.value:8} {state:24} {since:>8}{first}  {words}{count}  [{alarm.key}]"


def data_of_alarm(alarm: Alarm, now_s: float) -> dict[str, Any]:
    """One alarm for a program that reads it."""
    return {
        "alarm": str(alarm.key),
        "state": alarm.state.value,
        "priority": alarm.definition.priority.value,
        "text": alarm.text,
        "condition": alarm.condition,
        "age_s": now_s - alarm.raised_s if alarm.count else None,
        "count": alarm.count,
        "first_out": alarm.first_out,
        "ends_in_s": None if alarm.until_s is None else alarm.until_s - now_s,
        "who": alarm.who,
        "why": alarm.why,
        "action": alarm.definition.action,
    }


def history(events: Iterable[Event]) -> list[str]:
    """What happened to alarms, oldest first."""
    lines = []
    for event in events:
        if event.kind not in KINDS:
            continue
        data = event.data
        who = f" by {data['who']}" if data["who"] else ""
        why = f" ({data['why']})" if data["why"] else ""
        told = event.kind.removeprefix(PREFIX)
        key = AlarmKey(data["name"], data["subject"])
        lines.append(f"{event.utc}  {told + who + why:24} {data['priority']:8} {data['text'] or data['name']}  [{key}]")
    return lines


def figures(found: Metrics) -> list[str]:
    """The figures of the alarm system, and what is beyond its limit."""
    rates = f"{found.per_10_min:.2f} in ten minutes, at most {found.peak_10_min:g}"
    shares = ", ".join(f"{priority.value} {share:.0f} %" for priority, share in found.priorities_pct.items())
    lines = [
        f"{found.count} alarms in {age(found.span_s)}, {rates}",
        f"floods: {found.floods}, in {found.flood_pct:.1f} % of the time",
        f"hours with more than 30 alarms: {found.busy_hours_pct:.1f} %",
        f"priorities: {shares}" if found.count else "priorities: nothing was raised",
    ]
    if found.top:
        lines.append(f"most frequent ({found.top_share_pct:.0f} % of all):")
        lines += [f"  {count:5}  {key}" for key, count in found.top]
    lines += [f"chatters: {key}" for key in found.chattering]
    lines += [f"stands for more than a day: {key}" for key in found.stale]
    remarks = found.remarks()
    lines += [f"beyond its limit: {remark}" for remark in remarks] or ["everything is within the limits of ISA-18.2"]
    return lines


def row_lines(row: Definition) -> list[str]:
    """One row of the table in full."""
    shelving = f"for at most {row.shelve_max_s / 60:g} min" if row.shelve_max_s else "never"
    return [
        f"{row.name}: {row.message}",
        f"  priority          {row.priority} ({row.severity} at stake, {age(row.respond_s)} to respond)",
        f"  class             {row.alarm_class}",
        f"  cause             {row.cause}",
        f"  consequence       {row.consequence}",
        f"  by itself         {row.automatic}",
        f"  what to do        {row.action}",
        f"  delays            on {row.on_delay_s:g} s, off {row.off_delay_s:g} s, deadband {row.deadband:g}",
        f"  latching          {'yes, it needs a reset' if row.latching else 'no'}",
        f"  shelving          {shelving}; out of service: {'yes' if row.removable else 'never'}",
    ]


def table_lines(table: AlarmTable) -> list[str]:
    """Every row in short."""
    return [
        f"{row.priority.value:8} {age(row.respond_s):>6}  {row.name:28} {row.message}"
        for row in table.definitions.values()
    ]


def table_data(rows: Mapping[str, Definition]) -> list[dict[str, Any]]:
    """The rows for a program that reads them."""
    kept = ("name", "message", "severity", "cause", "consequence", "automatic", "action", "respond_s", "deadband")
    more = ("on_delay_s", "off_delay_s", "latching", "shelve_max_s", "removable", "suppressed_by", "first_out")
    return [
        {name: getattr(row, name) for name in (*kept, *more)}
        | {"priority": row.priority.value, "class": row.alarm_class, "subject": row.subject}
        for row in rows.values()
    ]
