"""What can be checked of a certificate: each check holds, does not hold, or was not made, and then says why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from controller.events import Event
from controller.journal import verify
from controller.reports.certificate import NoCertificate, certificate_document, own_sha256
from controller.reports.certificate_form import Certificate
from controller.reports.certificate_page import page_html
from controller.reports.certificate_pdf import PdfImpossible, page_pdf
from controller.reports.certificate_pdf_reading import PdfUnreadable, flowing_text, machine_of
from controller.reports.certificate_reading import CertificateFile, Kind


class Result(StrEnum):
    """What became of a check."""

    HOLDS = "holds"
    FAILS = "DOES NOT HOLD"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was, or was not, looked at."""

    name: str
    result: Result
    words: str = ""


def _check(name: str, *, holds: bool, otherwise: str) -> Check:
    return Check(name, Result.HOLDS) if holds else Check(name, Result.FAILS, otherwise)


def file_checks(file: CertificateFile) -> list[Check]:
    """What the file alone tells: its own hash, and that it shows what its document says."""
    certificate = file.certificate
    own = own_sha256(certificate)
    checks = [
        _check(
            "the document's own SHA-256",
            holds=own == certificate["sha256"],
            otherwise=f"its content has {own}",
        )
    ]
    if file.kind is Kind.HTML:
        checks.append(_page_check(file))
    elif file.kind is Kind.PDF:
        checks += _pdf_checks(file)
    return checks


# ---------------------------------------------------------------------- what is shown


def _page_check(file: CertificateFile) -> Check:
    expected = page_html(file.certificate).encode()
    wanted, found = expected.split(b"\n"), file.content.split(b"\n")
    pairs = zip(wanted, found, strict=False)
    line = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), min(len(wanted), len(found)))
    return _check(
        "the page, byte for byte what the document gives",
        holds=expected == file.content,
        otherwise=f"line {line} is another one",
    )


_TEXT = "the PDF's text, what the document gives"
_DRAWING = "the PDF's drawing, byte for byte what the document gives"


def _pdf_checks(file: CertificateFile) -> list[Check]:
    try:
        expected = page_pdf(file.certificate)
    except PdfImpossible as error:
        return [Check(name, Result.NOT_CHECKED, str(error)) for name in (_TEXT, _DRAWING)]
    if expected == file.content:
        return [Check(_TEXT, Result.HOLDS), Check(_DRAWING, Result.HOLDS)]
    try:
        text = _text_check(expected, file)
        here, there = machine_of(expected), machine_of(file.content)
    except PdfUnreadable as error:
        return [Check(_TEXT, Result.FAILS, str(error)), Check(_DRAWING, Result.FAILS)]
    if here == there:
        return [text, Check(_DRAWING, Result.FAILS, "it was changed after it was written")]
    return [text, Check(_DRAWING, Result.NOT_CHECKED, f"it was drawn by {there}; here it would be {here}")]


def _text_check(expected: bytes, file: CertificateFile) -> Check:
    wanted = flowing_text(expected, file.certificate)
    try:
        found = flowing_text(file.content, file.certificate)
    except PdfUnreadable as error:
        return Check(_TEXT, Result.FAILS, str(error))
    place = next((n for n, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), len(wanted))
    near = slice(max(place - 20, 0), place + 20)
    words = f"it says {found[near]!r} where {wanted[near]!r} was written (both without blanks)"
    return _check(_TEXT, holds=wanted == found, otherwise=words)


# ---------------------------------------------------------------------- the journal

_CHAIN = "the journal's hash chain"
_CONTAINED = "the run in the journal, up to the certified record and its hash"
_FOLDED = "the certificate, made again from the journal"
_NEWEST = "the newest judgement of the run"


def journal_not_checked(why: str) -> list[Check]:
    """The journal's checks, none of which was made."""
    return [Check(name, Result.NOT_CHECKED, why) for name in (_CHAIN, _CONTAINED, _FOLDED, _NEWEST)]


def journal_unreadable(why: str) -> list[Check]:
    """The checks of a journal with a record that is no record any more."""
    others = journal_not_checked("the journal cannot be read")[1:]
    return [Check(_CHAIN, Result.FAILS, why), *others]


def journal_checks(events: Sequence[Event], certificate: Certificate) -> list[Check]:
    """What the records of a whole store say of a certificate."""
    faults = verify(events)
    chain = _check(_CHAIN, holds=not faults, otherwise=faults[0] if faults else "")
    return [chain, _contained(events, certificate), _folded(events, certificate), _newest(events, certificate)]


def _contained(events: Sequence[Event], certificate: Certificate) -> Check:
    place, run = certificate["journal"], certificate["run"]
    head = next((event for event in events if event.sequence == place["head_record"]), None)
    if head is None:
        last = events[-1].sequence if events else 0
        words = f"there is no record {place['head_record']}; the journal ends with record {last}"
        return Check(_CONTAINED, Result.FAILS, words)
    if head.run != run:
        words = f"record {head.sequence} is of run {head.run}, not of {run}"
        return Check(_CONTAINED, Result.FAILS, words)
    if head.hash != place["head_sha256"]:
        words = f"record {head.sequence} has the hash {head.hash}, not {place['head_sha256']}"
        return Check(_CONTAINED, Result.FAILS, words)
    later = sum(event.run == run and event.sequence > head.sequence for event in events)
    return Check(_CONTAINED, Result.HOLDS, f"it has {later} later records of this run" if later else "")


def _folded(events: Sequence[Event], certificate: Certificate) -> Check:
    """The certificate made again from the same records by the same program's name."""
    until = [event for event in events if event.sequence <= certificate["journal"]["head_record"]]
    try:
        again = certificate_document(until, certificate["run"], certificate["made_by"]["version"])
    except NoCertificate as error:
        return Check(_FOLDED, Result.FAILS, str(error))
    difference = next(_differences(again, certificate), None)
    return _check(_FOLDED, holds=difference is None, otherwise=f"{difference} is another one")


def _newest(events: Sequence[Event], certificate: Certificate) -> Check:
    """Whether the run was judged again since, with what a laboratory found later."""
    run, head = certificate["run"], certificate["journal"]["head_record"]
    again = [event.sequence for event in events if event.run == run and event.kind == "certificate"]
    later = [sequence for sequence in again if sequence > head]
    words = f"it was judged again in record {later[-1]}: make the newer certificate" if later else ""
    return _check(_NEWEST, holds=not later, otherwise=words)


def _differences(wanted: Any, found: Any, place: str = "") -> Iterator[str]:
    """Where two documents differ, in words such as rules[3].value."""
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted.keys() == found.keys():
        for key, item in wanted.items():
            yield from _differences(item, found[key], f"{place}.{key}" if place else key)
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(one, other, f"{place}[{index}]")
    elif wanted != found or isinstance(wanted, bool) is not isinstance(found, bool):
        yield place
