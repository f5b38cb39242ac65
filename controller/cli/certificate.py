"""`pressline certificate` and `pressline verify`: a run's certificate as a document, and what can be checked of one."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.cli.exit_codes import ExitCode
from controller.events import Event
from controller.journal import JournalError, RecordUnreadable, read_events
from controller.place import Place
from controller.reports.certificate import JournalDamaged, NoCertificate, certificate_document
from controller.reports.certificate_checks import (
    Check,
    Result,
    file_checks,
    journal_checks,
    journal_not_checked,
    journal_unreadable,
)
from controller.reports.certificate_form import Certificate
from controller.reports.certificate_page import page_html, visible
from controller.reports.certificate_pdf import PdfImpossible, page_pdf
from controller.reports.certificate_reading import NoCertificateFile, read_certificate


@dataclass(frozen=True, slots=True)
class CertificateOptions:
    """What the user asked for."""

    run: str
    store: Place
    html: Path | None
    pdf: Path | None
    force: bool
    as_json: bool


class _Unusable(Exception):
    """A file that cannot be read or written; the message is for the user."""


def certify_run(options: CertificateOptions) -> ExitCode:
    """Prints or writes the certificate of one run; the code is that of `pressline show`."""
    try:
        events = _records(options.store)
        certificate = certificate_document(events, options.run)
        _write(options, certificate)
    except (_Unusable, PdfImpossible) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except JournalDamaged as error:
        print(f"{options.store}: the journal is damaged: {error}; no certificate is made from it", file=sys.stderr)
        return ExitCode.REFUSED
    except NoCertificate as error:
        print(f"{options.store}: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    if options.as_json:
        print(json.dumps(certificate, indent=2))
    elif options.html is None and options.pdf is None:
        _print(events, certificate)
    else:
        _print_written(options, certificate)
    return ExitCode.PASSED if certificate["accepted"] else ExitCode.REFUSED


def _records(store: Place) -> list[Event]:
    """All records of a store. Raises _Unusable, and JournalDamaged for a record that is no JSON any more."""
    try:
        return read_events(store)
    except RecordUnreadable as error:
        raise JournalDamaged(error.what) from error
    except JournalError as error:
        raise _Unusable(str(error)) from error


def _print(events: Sequence[Event], certificate: Certificate) -> None:
    """The certificate as text: the run's tables, and where its record stands."""
    from controller.executor.record import document
    from controller.reports.run_table import print_run

    if certificate["line"]["simulated"]:
        print("SIMULATED LINE: no machine moved and no laminate was made")
    print_run(document([event for event in events if event.run == certificate["run"]], alive=False))
    place = certificate["journal"]
    print(
        f"journal: {place['run_records']} records of this run, the last one is record {place['head_record']}"
        f" ({place['head_sha256']}); the hash chain holds"
    )
    print(f"SHA-256 of the certificate: {certificate['sha256']}")
    print("\n".join(_verdict(certificate)))


def _verdict(certificate: Certificate) -> list[str]:
    """The outcome in words, with a line for everything that stands against it."""
    outcome = "accepted" if certificate["accepted"] else "not accepted"
    return [outcome, *(f"    - {reason}" for reason in certificate["why_not"])]


def _print_written(options: CertificateOptions, certificate: Certificate) -> None:
    for file in (options.html, options.pdf):
        if file is not None:
            print(f"{file}: written")
    simulated = " (SIMULATED LINE)" if certificate["line"]["simulated"] else ""
    print(f"certificate of run {certificate['run']}{simulated}, SHA-256 {certificate['sha256']}")
    print("\n".join(_verdict(certificate)))


# ---------------------------------------------------------------------- writing


def _write(options: CertificateOptions, certificate: Certificate) -> None:
    """Writes the files that were asked for, or none of them. Raises _Unusable or PdfImpossible."""
    wanted = [file for file in (options.html, options.pdf) if file is not None]
    for file in wanted:
        _look_at(file, options)
    if len(wanted) == 2 and _same(*wanted):
        raise _Unusable(f"{wanted[0]}: --html and --pdf name the same file")
    contents = []
    if options.html is not None:
        contents.append((options.html, page_html(certificate).encode()))
    if options.pdf is not None:
        contents.append((options.pdf, page_pdf(certificate)))
    for file, content in contents:
        _put(file, content)


def _look_at(file: Path, options: CertificateOptions) -> None:
    if isinstance(options.store, Path) and _same(file, options.store):
        raise _Unusable(f"{file}: is the store itself; a certificate is never written over a journal")
    if file.is_dir():
        raise _Unusable(f"{file}: is a directory; expected the name of a file")
    if file.exists() and not file.is_file():
        raise _Unusable(f"{file}: is no regular file; nothing was written")
    if file.exists() and not options.force:
        raise _Unusable(f"{file}: is there already; --force writes over it")


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _put(file: Path, content: bytes) -> None:
    """Writes in one move, so that nobody reads half of it."""
    draft = file.with_name(file.name + ".part")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _Unusable(f"{file}: cannot be written ({error.strerror})") from error


# ---------------------------------------------------------------------- verifying


def verify_file(file: Path, store: Place | None, recipe: Path | None, line: Path | None, *, as_json: bool) -> ExitCode:
    """Prints every check of a certificate's file; a check that was not made is never told as made."""
    try:
        read = read_certificate(file)
        checks = file_checks(read)
        checks += _journal_checks(read.certificate, store)
        checks += recipe_checks(read.certificate, recipe, line)
    except (NoCertificateFile, _Unusable) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    failed = any(check.result is Result.FAILS for check in checks)
    if as_json:
        _print_checks_json(file, read.certificate, checks)
    else:
        _print_checks(file, read.certificate, checks)
    return ExitCode.REFUSED if failed else ExitCode.PASSED


def _journal_checks(certificate: Certificate, store: Place | None) -> list[Check]:
    if store is None:
        return journal_not_checked("give --store FILE")
    try:
        return journal_checks(_records(store), certificate)
    except JournalDamaged as error:
        return journal_unreadable(str(error))


_PLAN = "the plan that was run, made again from the recipe"
_RECIPE = "the recipe's SHA-256"


def recipe_checks(certificate: Certificate, recipe: Path | None, line: Path | None) -> list[Check]:
    """Whether a recipe is the one that was run. Raises _Unusable for a recipe or a line file that cannot be used."""
    if recipe is None:
        return [Check(name, Result.NOT_CHECKED, "give --recipe FILE") for name in (_PLAN, _RECIPE)]
    from controller.cli.recipes import Unusable, planned
    from recipes.findings import RecipeErrors
    from recipes.plan import Refused, recipe_sha256

    try:
        plan = planned(recipe, line)
    except (Unusable, RecipeErrors) as error:
        raise _Unusable(str(error)) from error
    except Refused as error:
        return [Check(_PLAN, Result.FAILS, f"it gives none: {error}"), Check(_RECIPE, Result.NOT_CHECKED, "no plan")]
    where = "the shipped machine models (--line FILE names a line)" if line is None else str(line)
    words = f"on {where} it gives plan {plan.hash}: another recipe, another line, or another pressline's plan"
    same = plan.hash == certificate["plan"]["sha256"]
    check = Check(_PLAN, Result.HOLDS) if same else Check(_PLAN, Result.FAILS, words)
    return [check, _recipe_check(certificate, recipe_sha256(plan.recipe))]


def _recipe_check(certificate: Certificate, found: str) -> Check:
    wanted = certificate["recipe"]["sha256"]
    if wanted is None:
        return Check(_RECIPE, Result.NOT_CHECKED, "the certificate gives none")
    same = found == wanted
    return Check(_RECIPE, Result.HOLDS) if same else Check(_RECIPE, Result.FAILS, f"its content has {found}")


def _print_checks(file: Path, certificate: Certificate, checks: Sequence[Check]) -> None:
    simulated = " on a SIMULATED LINE" if certificate["line"]["simulated"] else ""
    counts = Counter(check.result for check in checks)
    made_not = counts[Result.NOT_CHECKED]
    lines = [
        f"{file}: certificate of run {certificate['run']}{simulated}, recipe {certificate['recipe']['name']}",
        *(f"it says: {line}" if number == 0 else line for number, line in enumerate(_verdict(certificate))),
        *(f"  {check.name}: {check.result}{f' ({check.words})' if check.words else ''}" for check in checks),
        f"checks: {counts[Result.HOLDS]} hold, {counts[Result.FAILS]} do not hold, {made_not} were not made",
    ]
    print("\n".join(visible(line) for line in lines))


def _print_checks_json(file: Path, certificate: Certificate, checks: Sequence[Check]) -> None:
    document = {
        "file": str(file),
        "run": certificate["run"],
        "simulated": certificate["line"]["simulated"],
        "accepted": certificate["accepted"],
        "checks": [{"name": check.name, "result": check.result.value, "words": check.words} for check in checks],
    }
    print(json.dumps(document, indent=2))
