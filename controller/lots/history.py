"""The history of one run, folded from its records: which lots it made of what, and all that bears on their status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from controller.events import Event
from controller.lots.made import Cut, Ended, Made, Making
from controller.lots.model import BATCH, Calibrated, LotId, Measured, Reason, Stay
from controller.lots.outside import Crossing, Moment, RecordClock

BINDING = ("claim", "required")
NOBODY = ("", "pressline")


class History:
    """One run. `take` folds its records one after the other; nothing else changes it."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.recipe = ""
        self.made: dict[str, Made] = {}
        self.ended: Ended | None = None
        self.not_accepted: Reason | None = None
        self.is_accepted = False
        self.failing: tuple[str, ...] = ()
        self.max_out_s: float | None = None
        self.is_simulated = False
        self.serial_numbers: Mapping[str, Any] = {}
        self.last = Moment()
        self._steps: dict[str, Mapping[str, Any]] = {}
        self._making: Making | None = None
        self._batches: Mapping[str, str] = {}
        self._reason = ""
        self._lost: list[tuple[str, frozenset[str], frozenset[str], int]] = []
        self._unknown: set[str] = set()

    def take(self, event: Event, clock: RecordClock) -> None:
        """Folds one record of this run, at the moment that the clock shows."""
        data, self.last = event.data, clock.now
        match event.kind:
            case "run.created":
                self._created(data)
            case "run.state":
                self._decided(data)
            case "run.resumed":
                self.ended = None
            case "run.closed":
                self.ended = Ended(data["state"], self._reason, event.sequence)
            case "certificate":
                self._judged(event)
            case "porosity.estimated":
                self._unknown = {name for name, layer in data["layers"].items() if layer["porosity_pct"] is None}
            case "step.started":
                self._started(event)
            case "step.finished":
                self._finished(event)
            case "step.supplied":
                self._supplied(event)
            case "lot.out" | "lot.back" | "lot.status":
                self._said(event)
            case "lab.entered":
                self._from_laboratory(event)
            case _ if self._making is not None:
                self._within(self._making, event)

    # ------------------------------------------------------------------ the run

    def _created(self, data: Mapping[str, Any]) -> None:
        plan = json.loads(data["plan"]) if data.get("plan") else {}
        self.recipe = data["recipe"]
        self._steps = {planned["step"]["name"]: planned["step"] for planned in plan.get("steps", ())}
        self.serial_numbers = data.get("serial_numbers") or {}
        self.max_out_s = data.get("max_out_s")
        self._batches = data.get("foil_batches") or {}
        self.is_simulated = data.get("simulation") is not None

    def _decided(self, data: Mapping[str, Any]) -> None:
        self._reason = data["reason"] or self._reason
        if self._making is not None:
            _add(self._making.people, data["who"])

    def _judged(self, event: Event) -> None:
        rules = [rule for rule in event.data["rules"] if rule.get("severity") in BINDING]
        open_ones = [f"{rule['id']} {_verdict(rule)}" for rule in rules if rule["verdict"] != "pass"]
        self.failing = tuple(open_ones)
        self.is_accepted = not open_ones and bool(event.data["rules"])
        words = f"the certificate is not accepted: {', '.join(open_ones)}" if open_ones else "no rule was judged"
        self.not_accepted = None if self.is_accepted else Reason(words, event.sequence)

    def serial_number(self, unit: str) -> str:
        """The number of a unit when the run began; "" where it told none."""
        number = self.serial_numbers.get(unit)
        return "" if number is None else f"{number:.0f}"

    # ------------------------------------------------------------------ steps

    def _started(self, event: Event) -> None:
        data = event.data
        stay = Stay(data["name"], data["kind"], data.get("unit") or "", event.utc, "")
        before = self._making
        self._making = Making(stay, tuple(data.get("lots") or ()))
        if before is not None and before.stay.step == data["name"]:  # begun again after a crash
            self._making.people, self._making.jobs = before.people, before.jobs
            self._making.calibrated, self._making.measured = before.calibrated, before.measured
        for lot in self._making.takes:
            if lot in self.made:
                self.made[lot].stays.append(stay)

    def _finished(self, event: Event) -> None:
        if self._making is not None and self._making.stay.step == event.data["name"]:
            self._done(self._making, event.data.get("produces"), event)
        self._making = None

    def _supplied(self, event: Event) -> None:
        """Another run has done the step; of a coating there is a sheet now, cut off that run's web."""
        data, making = event.data, self._making
        lot, web = data["produces"], LotId(data["from"]["run"], data["from"]["lot"])
        for what in data["learned"]:
            if what["do"] == "lose_track":
                lots = frozenset({data["from"]["lot"]})
                self._lost.append((data["name"], frozenset(what["layers"]), lots, event.sequence))
        if making is not None and making.stay.step == data["name"] and lot is not None and lot not in self.made:
            stay = replace(making.stay, ended=event.utc)
            made = Made(lot, stay, (), (), [], list(making.people), "", ())
            made.stays.append(stay)
            made.cut = Cut(web, self.last, event.sequence)
            self.made[lot] = made
        self._making = None

    def _product(self, making: Making) -> str:
        """The lot that a step makes, by the plan; "" for none."""
        return str(self._steps.get(making.stay.step, {}).get("produces") or "")

    def _done(self, making: Making, product: str | None, event: Event) -> None:
        stay = replace(making.stay, ended=event.utc)
        for lot in making.takes:
            if lot in self.made:
                self.made[lot].stays[-1:] = [stay]
                if lot != product:
                    self.made[lot].used_in = self.made[lot].used_in or product
                if product is None:
                    self._seen(self.made[lot], making, event.sequence)
        if product is not None and product not in self.made:  # a plan makes each lot once
            self._made(product, making, stay, event.sequence)

    def _seen(self, made: Made, making: Making, sequence: int) -> None:
        """A lot comes out of a step under its own name: measured, or pressed again because a gate wanted it."""
        for person in making.people:
            _add(made.people, person)
        for unit in dict.fromkeys(making.jobs.values()):
            made.also_on += [] if unit in made.also_on else [unit]
            if (known := making.calibrated.get(unit)) is not None:
                made.calibrated.append(known)
                made.doubts += [Reason(known.doubt, sequence)] if known.doubt else []

    def _made(self, product: str, making: Making, stay: Stay, sequence: int) -> None:
        step = self._steps.get(stay.step, {})
        coat, task = step.get("coat") or {}, step.get("task") or {}
        slurry = coat.get("slurry")
        takes = tuple(lot for lot in making.takes if lot in self.made)
        filled = f"{self.run}/{slurry.get('solvent', '')} slurry of {stay.step}" if slurry and not takes else ""
        named = [coat["substrate"]] if coat.get("substrate") else list(task.get("adds") or ())
        foils = [f"{foil}{BATCH}{self._batches[foil]}" if foil in self._batches else foil for foil in named]
        calibrated = list(making.calibrated.values())
        made = Made(product, stay, takes, tuple(making.jobs), calibrated, list(making.people), filled, tuple(foils))
        made.stays.append(stay)
        made.doubts += [Reason(known.doubt, sequence) for known in calibrated if known.doubt]
        made.measured += [measured for lot, measured in making.measured if lot == product]
        for part in (self.made[lot] for lot in takes if self.made[lot].out_since):  # it is out itself from now on
            made.crossings.append(Crossing(True, self.last, sequence, part.out_since))
            part.crossings.append(Crossing(False, self.last, sequence))
        self.made[product] = made

    def _within(self, making: Making, event: Event) -> None:
        """What happened in a step that is going on."""
        data = event.data
        match event.kind:
            case "prompt.answered":
                _add(making.people, data["by"])
            case "command.requested" if data["command"] == "load_job":
                making.jobs[int(data["job"]["job_id"])] = data["unit"]
            case "calibration.met":
                making.calibrated[data["unit"]] = _calibrated(data)
            case "measurement":
                self._measured(making, event)
            case "track.lost":
                lots = {*making.takes, self._product(making)}
                self._lost.append((making.stay.step, frozenset(data["layers"]), frozenset(lots), event.sequence))

    def _measured(self, making: Making, event: Event) -> None:
        data = event.data
        known = making.calibrated.get(data["unit"])
        doubt = str(data.get("doubt") or "")
        item = Measured(data["unit"], "", float(data["value"]), data["in"], event.utc, known, doubt)
        making.measured.append((data["lot"], item))
        if (lot := self.made.get(data["lot"])) is not None:
            lot.measured.append(item)
            if doubt:
                lot.doubts.append(Reason(doubt, event.sequence))

    def lost(self, lot: str) -> list[Reason]:
        """Why nothing is known of layers of a lot, where no laboratory has measured them since.

        A measurement contradicted what was expected, or a pressing was broken off.
        """
        family = set(self.family(lot))
        return [
            Reason(f"of {', '.join(sorted(layers & self._unknown))} nothing is known any more since {step}", at)
            for step, layers, lots, at in self._lost
            if layers & self._unknown and family & lots
        ]

    def family(self, lot: str) -> list[str]:
        """A lot and all lots that went into it, each once."""
        found: dict[str, None] = {}
        todo = [lot]
        while todo:
            name = todo.pop()
            if name in self.made and name not in found:
                found[name] = None
                todo += self.made[name].takes
        return list(found)

    # ------------------------------------------------------------------ people

    def _said(self, event: Event) -> None:
        data = event.data
        making = self._making
        if making is not None and data["lot"] not in self.made and self._product(making) == data["lot"]:
            self._done(making, data["lot"], event)  # a gate decides on what a step has made before the step is finished
        if (lot := self.made.get(data["lot"])) is None:
            return
        who, why = str(data.get("who") or "pressline"), str(data.get("why") or "")
        if event.kind != "lot.status":
            is_out = event.kind == "lot.out"
            lot.crossings.append(Crossing(is_out, self.last, event.sequence, event.utc if is_out else ""))
        elif data["status"] == "scrap":
            lot.scrapped = (why, who)
            lot.quarantined = Reason(f"scrap: {why} ({who})", event.sequence)  # for what was cut off it
        elif data["status"] == "released":
            lot.released = (why, who, event.sequence)
        else:
            lot.quarantined = Reason(f"{why} ({who})", event.sequence)

    def _from_laboratory(self, event: Event) -> None:
        """A value that came after the run is of what the run made."""
        fact, ends = event.data["fact"], [lot for lot in self.made.values() if lot.used_in is None]
        if not ends or isinstance(fact["value"], str | list):
            return
        words = f"{fact['quantity']} of {fact['subject']}"
        ends[-1].measured.append(Measured("", words, float(fact["value"]), fact["unit"], event.utc, None))
        _add(ends[-1].people, event.data["by"])


def _add(people: list[str], who: str) -> None:
    if who not in NOBODY and who not in people:
        people.append(who)


def _verdict(rule: Mapping[str, Any]) -> str:
    return "fails" if rule["verdict"] == "fail" else "is undetermined"


def _calibrated(data: Mapping[str, Any]) -> Calibrated:
    return Calibrated(data["unit"], data["state"], data.get("certificate", ""), data.get("due", ""), data["doubt"])
