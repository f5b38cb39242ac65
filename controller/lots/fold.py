"""All lots from the records of a store: a pure fold, with the status that follows from what is known.

In work while its run goes on. Quarantine when its run ended held, stopped or aborted, when its certificate is not
accepted, when a measurement contradicts what was expected, when what it rests on was measured with doubtful quality,
when it was out too long, or when a person says so. Released by an accepted certificate with nothing against it, or by
a person. Scrap by a gate or by a person, for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from controller.events import Event
from controller.executor.states import RunState
from controller.lots.history import History, Made
from controller.lots.model import Lot, LotId, Lots, LotStatus, Reason

BY_CERTIFICATE = "the certificate"
_LATE = 2**62  # of what is judged anew whenever it is asked for: time outside goes on while a lot is out


def histories(events: Iterable[Event]) -> dict[str, History]:
    """The history of every run, in the order of their beginnings."""
    found: dict[str, History] = {}
    for event in events:
        if event.kind == "run.created":
            found[event.run] = History(event.run)
        if event.run in found:
            found[event.run].take(event)
    return found


def lots_of(events: Iterable[Event], utc: str | None = None) -> Lots:
    """Every lot of every run. utc is until when a lot that is out is counted, by default its run's last record."""
    result: dict[LotId, Lot] = {}
    for history in histories(events).values():
        for name in reversed(history.made):  # what a lot went into is made later, and decides on it
            used_in = history.made[name].used_in
            into = None if used_in is None else result.get(LotId(history.run, used_in))
            result[LotId(history.run, name)] = _lot(history, history.made[name], into, utc)
    return dict(sorted(result.items(), key=lambda item: (item[1].made_by.ended, item[0])))


def _lot(history: History, made: Made, into: Lot | None, utc: str | None) -> Lot:
    out_s = _out_s(history, made, utc or history.last_utc)
    status, reasons, by = (into.status, (), into.decided_by) if into is not None else _status(history, made, out_s)
    unit = made.made_by.unit
    serial = history.serial_numbers.get(unit)
    return Lot(
        id=LotId(history.run, made.name),
        recipe=history.recipe,
        made_by=made.made_by,
        made_from=tuple(LotId(history.run, name) for name in made.takes if name in history.made),
        slurry=made.slurry,
        foils=made.foils,
        serial_number="" if serial is None else f"{serial:.0f}",
        jobs=made.jobs,
        calibrated=tuple(made.calibrated),
        people=tuple(made.people),
        measured=tuple(made.measured),
        stays=tuple(made.stays),
        used_in=None if into is None else into.id,
        status=status,
        reasons=reasons,
        decided_by=by,
        out_s=out_s,
        out_since=made.outs[-1][1] if made.outs and made.outs[-1][0] == "lot.out" else "",
        max_out_s=history.max_out_s,
        is_simulated=history.is_simulated,
    )


def _status(history: History, made: Made, out_s: float) -> tuple[LotStatus, tuple[str, ...], str]:
    """Status, reasons and who decided, of a lot that went into no other."""
    if made.scrapped is not None:
        why, who = made.scrapped
        return LotStatus.SCRAP, (why,), who
    against = _against(history, made, out_s)
    if made.released is not None:
        why, who, at = made.released
        is_older = all(reason.sequence < at or reason.sequence == _LATE for reason in against)
        if is_older and history.is_accepted and history.ended is not None:
            return LotStatus.RELEASED, (why,), who
    if against:
        return LotStatus.QUARANTINE, tuple(dict.fromkeys(reason.words for reason in against)), ""
    if history.ended is None:
        return LotStatus.IN_WORK, (), ""
    return LotStatus.RELEASED, (), BY_CERTIFICATE


def _against(history: History, made: Made, out_s: float) -> list[Reason]:
    """Everything that keeps a lot from being released, the run's own going on aside."""
    found = [reason for name in history.family(made.name) for reason in history.made[name].doubts]
    found += history.lost(made.name)
    if (ended := history.ended) is not None:
        if ended.state != RunState.COMPLETE:
            because = f": {ended.reason}" if ended.reason else ""
            found.append(Reason(f"its run ended {ended.state}{because}", ended.sequence))
        if history.not_accepted is not None:
            found.append(history.not_accepted)
        elif not history.is_accepted:
            found.append(Reason("its run was not judged", ended.sequence))
    if made.quarantined is not None:
        found.append(made.quarantined)
    if history.max_out_s is not None and out_s > history.max_out_s:
        words = f"outside the dry room for {out_s / 60:.0f} min, more than {history.max_out_s / 60:.0f} min"
        found.append(Reason(words, _LATE))
    return found


def _out_s(history: History, made: Made, utc: str) -> float:
    """Time outside the dry room: its own, after the longest of its parts."""
    parts = [_out_s(history, history.made[name], utc) for name in made.takes if name in history.made]
    own, since = 0.0, ""
    for kind, at in made.outs:
        if kind == "lot.out":
            since = since or at
        elif since:
            own, since = own + _between_s(since, at), ""
    if since:
        own += _between_s(since, utc)
    return max(parts, default=0.0) + own


def _between_s(begun: str, ended: str) -> float:
    """Seconds of UTC; a clock that was set back counts nothing."""
    return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds())
