"""`pressline lab`: a laboratory's value that comes after a run has ended, and the certificate judged again with it."""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.cli.exit_codes import ExitCode, code_of
from controller.cli.runs import report
from controller.cli.store_place import journal_of
from controller.events import Event
from controller.executor.record import document
from controller.executor.release import Judged, NotReleasable, certificate_data, recorded
from controller.journal import JournalError, read_events
from controller.place import Place
from recipes.facts import Evidence, Fact, in_unit
from recipes.rules.kept import kept_fact
from recipes.rules.rule import RATIO_UNIT, Rule
from recipes.units import QuantityError, parse_measure, smallest


@dataclass(frozen=True, slots=True)
class LabValue:
    """What the user entered: in a rule's terms, as text."""

    subject: str
    quantity: str
    value: str
    uncertainty: str | None
    by: str
    source: str


class Unusable(Exception):
    """What was entered cannot be used; the message says why."""


def enter(run: str, entered: LabValue, store: Place, *, as_json: bool) -> ExitCode:
    """Adds one value to an ended run and shows its record with the new certificate."""
    try:
        return asyncio.run(_entered(run, entered, store, as_json=as_json))
    except (Unusable, NotReleasable) as error:
        print(f"{run}: {error}", file=sys.stderr)
    except JournalError as error:
        print(error, file=sys.stderr)
    return ExitCode.UNUSABLE


async def _entered(run: str, entered: LabValue, store: Place, *, as_json: bool) -> ExitCode:
    if not entered.by.strip():
        raise Unusable("--by is empty: somebody has to answer for the value")
    earlier = _run_events(store, run)
    known = recorded(earlier)
    fact = _fact(known.rules, entered)
    _plausible(earlier, fact, entered)
    again = Judged(known.rules, known.terms, known.packs, known.purpose, (*known.facts, fact), known.made)
    certificate = certificate_data(again)  # before anything is written: a record cannot be taken back
    journal = journal_of(store, "a value of the laboratory waits until it has ended")
    try:
        data: Mapping[str, object] = {"fact": kept_fact(fact), "by": entered.by}
        await journal.append(run, "lab.entered", data)
        await journal.append(run, "certificate", certificate)
    finally:
        await journal.close()
    record = document(_run_events(store, run), alive=False)
    report(record, as_json=as_json)
    return code_of(record)


def _plausible(events: Sequence[Event], fact: Fact, entered: LabValue) -> None:
    """Refuses what the run's recipe calls a typing error, where it asks the laboratory for this value."""
    created = next(event.data for event in events if event.kind == "run.created")
    steps = json.loads(created["plan"])["steps"] if created.get("plan") else []
    asked = [m for planned in steps for m in ((planned["step"].get("inspect") or {}).get("lab") or [])]
    for measure in asked:
        if (measure["subject"], measure["quantity"]) != (fact.subject, fact.quantity):
            continue
        value = in_unit(fact, measure["unit"], "the recipe").value
        if isinstance(value, float | int) and not measure["low"] <= value <= measure["high"]:
            bounds = f"{measure['low']:g} to {measure['high']:g} {measure['unit']}"
            raise Unusable(f"{entered.value} is outside {bounds}, between which the recipe expects it")


def _run_events(store: Place, run: str) -> list[Event]:
    events = read_events(store)
    own = [event for event in events if event.run == run]
    if not own:
        names = list(dict.fromkeys(event.run for event in events if event.kind == "run.created"))
        raise Unusable(f"there is no such run in {store}" + (f"; the last one is {names[-1]}" if names else ""))
    return own


def _fact(rules: Sequence[Rule], entered: LabValue) -> Fact:
    """The value in the unit of the rules that ask for it. Raises Unusable."""
    asking = [rule for rule in rules if (rule.subject, rule.quantity) == (entered.subject, entered.quantity)]
    if not asking:
        open_ones = sorted({f"{rule.subject} {rule.quantity}" for rule in rules if Evidence.LAB in rule.evidence})
        near = difflib.get_close_matches(f"{entered.subject} {entered.quantity}", open_ones, n=1)
        hint = f", perhaps --of {near[0].partition(' ')[0]} --quantity {near[0].partition(' ')[2]}" if near else ""
        raise Unusable(f"no rule of the run asks for {entered.quantity} of {entered.subject}{hint}")
    if not any(Evidence.LAB in rule.evidence for rule in asking):
        raise Unusable(f"{asking[0].id} is not judged on what a laboratory says of {entered.quantity}")
    try:
        value, unit = parse_measure(entered.value)
        uncertainty, its_unit = parse_measure(entered.uncertainty) if entered.uncertainty is not None else (None, unit)
    except QuantityError as error:
        raise Unusable(f"{error.what}, expected {error.expected}") from error
    if its_unit != unit or (uncertainty is not None and uncertainty < 0.0):
        raise Unusable(f"the uncertainty {entered.uncertainty} is no uncertainty of {entered.value}")
    source = f"{entered.source}, entered by {entered.by}" if entered.source else f"entered by {entered.by}"
    fact = Fact(entered.subject, entered.quantity, value, unit, Evidence.LAB, source, uncertainty)
    for rule in asking:
        if not rule.numeric:
            raise Unusable(f"{rule.id} asks {entered.quantity} of {entered.subject} as a text, not as a number")
        try:
            in_unit(fact, rule.unit, rule.id)
        except ValueError as error:
            raise Unusable(str(error)) from error
    if value < (least := smallest(unit)):
        raise Unusable(f"{entered.value} is below {least:g} {unit}, which nothing can be")
    return in_unit(fact, next((rule.unit for rule in asking if rule.unit != RATIO_UNIT), unit), asking[0].id)
