"""`pressline lab`: a laboratory's value that comes after a run has ended, and the certificate judged again with it."""

from __future__ import annotations

import asyncio
import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.cli.exit_codes import ExitCode, code_of
from controller.cli.runs import report, utc_now
from controller.events import Event, EventStream
from controller.executor.record import document
from controller.executor.release import Judged, NotReleasable, certificate_data, recorded
from controller.journal import JournalError, SqliteJournal, read_events
from recipes.facts import Evidence, Fact
from recipes.rules.engine import in_unit
from recipes.rules.kept import kept_fact
from recipes.rules.rule import Rule
from recipes.units import QuantityError, parse_measure


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


def enter(run: str, entered: LabValue, store: Path, *, as_json: bool) -> ExitCode:
    """Adds one value to an ended run and shows its record with the new certificate."""
    try:
        return asyncio.run(_entered(run, entered, store, as_json=as_json))
    except (Unusable, NotReleasable) as error:
        print(f"{run}: {error}", file=sys.stderr)
    except JournalError as error:
        print(error, file=sys.stderr)
    return ExitCode.UNUSABLE


async def _entered(run: str, entered: LabValue, store: Path, *, as_json: bool) -> ExitCode:
    if not entered.by.strip():
        raise Unusable("--by is empty: somebody has to answer for the value")
    earlier = _run_events(store, run)
    known = recorded(earlier)
    fact = _fact(known.rules, entered)
    journal = SqliteJournal(EventStream(), utc_now, store)
    try:
        data: Mapping[str, object] = {"fact": kept_fact(fact), "by": entered.by}
        await journal.append(run, "lab.entered", data)
        again = Judged(known.rules, known.terms, known.packs, known.purpose, (*known.facts, fact), known.made)
        await journal.append(run, "certificate", certificate_data(again))
    finally:
        await journal.close()
    record = document(_run_events(store, run), alive=False)
    report(record, as_json=as_json)
    return code_of(record)


def _run_events(store: Path, run: str) -> list[Event]:
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
    try:
        return in_unit(fact, asking[0].unit, asking[0].id)
    except ValueError as error:
        raise Unusable(str(error)) from error
