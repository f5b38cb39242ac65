"""`pressline diff`, `fmt` and `schema`: what an engineer needs while writing recipes."""

from __future__ import annotations

import difflib
import errno
import json
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.cli.exit_codes import ExitCode
from controller.cli.recipes import report_refusal
from recipes.canonical import canonical_json
from recipes.compare import Difference, differences
from recipes.findings import RecipeErrors
from recipes.format import Formatted, LayoutRefused, formatted
from recipes.load import load_recipe
from recipes.model import Location

SAME, DIFFERENT = ExitCode.PASSED, ExitCode.REFUSED
"""As diff and most formatters have it: 1 says that something differs, 2 that a file could not be used."""
_WIDTH = 140


def diff_files(first: Path, second: Path, *, as_json: bool) -> ExitCode:
    """Prints what differs between two recipes."""
    try:
        found = differences(load_recipe(first), load_recipe(second))
    except RecipeErrors as error:
        report_refusal(error.findings, ExitCode.UNUSABLE, as_json=as_json)
        return ExitCode.UNUSABLE
    if as_json:
        document = {
            "first": str(first),
            "second": str(second),
            "equal": not found,
            "differences": [_difference_data(difference) for difference in found],
        }
        print(json.dumps(document, indent=2))
    else:
        _print_differences(found)
    return DIFFERENT if found else SAME


def _print_differences(found: Sequence[Difference]) -> None:
    if not found:
        print("no difference in what is made")
    section = None
    for difference in found:
        if difference.section is not section:
            section = difference.section
            print(section.value)
        print(textwrap.fill(difference.message, _WIDTH, initial_indent="  ", subsequent_indent="      "))
        print(f"      {difference.first} | {difference.second}")


def _difference_data(difference: Difference) -> dict[str, Any]:
    return {
        "section": difference.section.value,
        "path": difference.path,
        "message": difference.message,
        "before": json.loads(canonical_json(difference.before)),
        "after": json.loads(canonical_json(difference.after)),
        "unit": difference.unit or None,
        "first": _place_data(difference.first),
        "second": _place_data(difference.second),
    }


def _place_data(place: Location) -> dict[str, Any]:
    return {"file": str(place.file), "line": place.line, "column": place.column}


def format_files(files: Sequence[Path], *, check: bool) -> ExitCode:
    """Writes recipe files in the canonical layout, or tells what would change; the worst file decides the code."""
    worst = SAME
    for file in files:
        worst = max(worst, _format_file(file, check=check))
    return worst


def _format_file(file: Path, *, check: bool) -> ExitCode:
    try:
        layout = formatted(file)
        if layout.is_changed and not check:
            replace_text(file, layout.after)
    except RecipeErrors as error:
        report_refusal(error.findings, ExitCode.UNUSABLE, as_json=False)
        return ExitCode.UNUSABLE
    except LayoutRefused as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except OSError as error:
        print(f"{file}: cannot be written: {error.strerror or error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    if not layout.is_changed:
        return SAME
    if not check:
        print(f"{file}: formatted")
        return SAME
    _print_changes(file, layout)
    return DIFFERENT


def _print_changes(file: Path, layout: Formatted) -> None:
    before, after = layout.before.splitlines(keepends=True), layout.after.splitlines(keepends=True)
    lines = list(difflib.unified_diff(before, after, str(file), f"{file} (formatted)"))
    if lines:
        sys.stdout.writelines(line if line.endswith("\n") else f"{line}\n" for line in lines)
    else:
        print(f"{file}: only its line ends or its byte order mark would change")


def replace_text(file: Path, text: str) -> None:
    """Writes a file in one move: whoever reads it meets the old text or the new one, never a part of it.

    A link stays a link to the same file, whose mode stays as it is, and its owner where that is allowed.

    Raises:
        OSError: the file or its folder must not be written.
    """
    target = file.resolve(strict=True)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    status = target.stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(OSError):
            shutil.chown(name, status.st_uid, status.st_gid)
        Path(name).chmod(status.st_mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def line_schema_text() -> str:
    """The JSON Schema of line files, as a file holds it."""
    from controller.line_schema import line_schema

    return json.dumps(line_schema(), indent=2, ensure_ascii=False) + "\n"


def print_schema(output: Path | None, text: str) -> ExitCode:
    """Prints a JSON Schema, or writes it to a file."""
    if output is None:
        print(text, end="")
        return ExitCode.PASSED
    from controller.cli.output import OutputRefused, write_new

    try:
        if output.is_file() and '"$schema"' in output.read_text(encoding="utf-8", errors="replace"):
            output.unlink()  # an older schema makes way for this one
        write_new(output, text.encode())
    except OutputRefused as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except OSError as error:
        print(f"{output}: cannot be written: {error.strerror or error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    return ExitCode.PASSED
