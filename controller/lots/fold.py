"""All lots from the records of a store: a pure fold, with the status that follows from what is known.

In work while its run goes on. Quarantine when its run ended held, stopped or aborted, when its certificate is not
accepted, when a measurement contradicts what was expected, when what it rests on was measured with doubtful quality,
when it was out too long, or when a person says so. Released by an accepted certificate with nothing against it, or by
a person. Scrap by a gate or by a person, for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

from controller.events import Event
from controller.executor.states import RunState
from controller.lots.history import History
from controller.lots.made import Cut, Made
from controller.lots.model import UNSURE, Lot, LotId, Lots, LotStatus, Reason
from controller.lots.outside import Moment, Outside, RecordClock, outside

BY_CERTIFICATE = "the certificate"
Histories = Mapping[str, History]


def histories(events: Iterable[Event]) -> dict[str, History]:
    """The history of every run, in the order of their beginnings."""
    return _told(events, RecordClock())


def _told(events: Iterable[Event], clock: RecordClock) -> dict[str, History]:
    found: dict[str, History] = {}
    for event in events:
        clock.take(event.utc)
        if event.kind == "run.created":
            found[event.run] = History(event.run)
        if event.run in found:
            found[event.run].take(event, clock)
    return found


def lots_of(events: Iterable[Event], utc: str | None = None) -> Lots:
    """Every lot of every run. utc is until when a lot that is out is counted, by default its run's last record."""
    result: dict[LotId, Lot] = {}
    clock = RecordClock()
    known = _told(events, clock)
    if utc is not None:
        clock.take(utc)
    for history in known.values():
        now = history.last if utc is None else clock.now
        for name in reversed(history.made):  # what a lot went into is made later, and decides on it
            used_in = history.made[name].used_in
            into = None if used_in is None else result.get(LotId(history.run, used_in))
            result[LotId(history.run, name)] = _lot(known, history, history.made[name], into, now)
    return dict(sorted(result.items(), key=lambda item: (item[1].made_by.ended, item[0])))


def _lot(known: Histories, history: History, made: Made, into: Lot | None, now: Moment) -> Lot:
    out = _outside(known, history, made, now)
    status, reasons, by = (into.status, (), into.decided_by) if into is not None else _status(known, history, made, out)
    web = () if made.cut is None or _web(known, made.cut) is None else (made.cut.web,)
    return Lot(
        id=LotId(history.run, made.name),
        recipe=history.recipe,
        made_by=made.made_by,
        made_from=(*web, *(LotId(history.run, name) for name in made.takes if name in history.made)),
        slurry=made.slurry,
        foils=made.foils,
        serial_number=history.serial_number(made.made_by.unit),
        also_on=tuple((unit, history.serial_number(unit)) for unit in made.also_on),
        jobs=made.jobs,
        calibrated=tuple(made.calibrated),
        people=tuple(made.people),
        measured=tuple(made.measured),
        stays=tuple(made.stays),
        used_in=None if into is None else into.id,
        status=status,
        reasons=reasons,
        decided_by=by,
        out_s=out.seconds,
        is_out_unsure=out.is_unsure,
        out_since=made.out_since,
        max_out_s=history.max_out_s,
        is_simulated=history.is_simulated,
    )


def _web(known: Histories, cut: Cut) -> tuple[History, Made] | None:
    """The web that a sheet was cut off, and the history of its run; None where the store does not hold it."""
    history = known.get(cut.web.run)
    made = None if history is None else history.made.get(cut.web.name)
    return None if history is None or made is None else (history, made)


def _family(known: Histories, history: History, made: Made) -> Iterator[Made]:
    """A lot and all that went into it, with the webs of other runs that its sheets were cut off."""
    for part in (history.made[name] for name in history.family(made.name)):
        yield part
        if part.cut is not None and (web := _web(known, part.cut)) is not None:
            yield from _family(known, *web)


def _kept_back(known: Histories, part: Made) -> Iterator[Reason]:
    """What a person has said against the web that a sheet was cut off."""
    web = None if part.cut is None else _web(known, part.cut)
    if web is None or part.cut is None or (reason := web[1].quarantined) is None:
        return
    if web[1].released is None or web[1].released[2] < reason.sequence:
        yield Reason(f"it holds a sheet of {part.cut.web}, which is kept back: {reason.words}", reason.sequence)


def _status(known: Histories, history: History, made: Made, out: Outside) -> tuple[LotStatus, tuple[str, ...], str]:
    """Status, reasons and who decided, of a lot that went into no other."""
    if made.scrapped is not None:
        why, who = made.scrapped
        return LotStatus.SCRAP, (why,), who
    against = _against(known, history, made, out)
    if made.released is not None:
        why, who, at = made.released
        is_older = all(reason.sequence < at for reason in against)
        if is_older and history.is_accepted and history.ended is not None:
            return LotStatus.RELEASED, (why,), who
    if against:
        return LotStatus.QUARANTINE, tuple(dict.fromkeys(reason.words for reason in against)), ""
    if history.ended is None:
        return LotStatus.IN_WORK, (), ""
    return LotStatus.RELEASED, (), BY_CERTIFICATE


def _against(known: Histories, history: History, made: Made, out: Outside) -> list[Reason]:
    """Everything that keeps a lot from being released, the run's own going on aside."""
    family = list(_family(known, history, made))
    found = [reason for part in family for reason in (*part.doubts, *_kept_back(known, part))]
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
    if history.max_out_s is not None and out.seconds > history.max_out_s:
        words = f"outside the dry room for {out.seconds / 60:.0f} min, more than {history.max_out_s / 60:.0f} min"
        found.append(Reason(words, out.sequence))
    if history.max_out_s is not None and out.is_unsure:
        found.append(Reason(f"outside the dry room, and {UNSURE}", out.sequence))
    return found


def _outside(known: Histories, history: History, made: Made, now: Moment, before: float = inf) -> Outside:
    """Its own time outside and the longest of its parts', as far as records before this one tell."""
    parts = [_outside(known, history, history.made[name], now, before) for name in made.takes if name in history.made]
    if made.cut is not None and (web := _web(known, made.cut)) is not None:
        parts.append(_outside(known, *web, made.cut.at, made.cut.sequence))
    return outside([crossing for crossing in made.crossings if crossing.sequence < before], now).after(parts)
