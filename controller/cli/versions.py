"""What the commands of `pressline recipes` do and print."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import asdict
from pathlib import Path
from typing import Any

from controller.cli.clock import utc_text
from controller.cli.exit_codes import ExitCode
from controller.cli.recipes import Unusable, capabilities, finding_data, report_refusal
from controller.config import ConfigError, load_line
from controller.journal import JournalError
from controller.place import Place
from controller.store.errors import ApprovalRefused, NotApproved, RecipeStoreError, WordsUnusable
from controller.store.files import write_files
from controller.store.recipes import RecipeStore, files_of, read_shelf
from controller.store.shelf import Approval, Shelf, Version
from controller.store.words import reference
from recipes.findings import Finding, RecipeErrors
from recipes.plan import Refused

SHIPPED_LINE = "the shipped machine models"


def reported(work: Callable[[], ExitCode], *, as_json: bool) -> ExitCode:
    """Does the work; whatever is in its way is told to the user, and becomes the code that it deserves."""
    try:
        return work()
    except RecipeErrors as error:
        report_refusal(error.findings, ExitCode.UNUSABLE, as_json=as_json)
        return ExitCode.UNUSABLE
    except Refused as error:
        report_refusal(error.findings, ExitCode.REFUSED, as_json=as_json)
        return ExitCode.REFUSED
    except (ApprovalRefused, NotApproved) as error:
        print(error, file=sys.stderr)
        return ExitCode.REFUSED
    except (RecipeStoreError, JournalError, Unusable, ConfigError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except BrokenPipeError:  # the reader of what is printed went away, which is no fault of a file
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        print(f"{where}{error.strerror or error}", file=sys.stderr)
        return ExitCode.UNUSABLE


def add_version(file: Path, by: str, comment: str, line: Path | None, store: Place, *, as_json: bool) -> ExitCode:
    """Stores a file as the next version of its recipe."""

    def work() -> ExitCode:
        added = RecipeStore(store, utc_text).add(file, by, comment, _line_name(line), capabilities(line))
        if as_json:
            refusal = [finding_data(finding) for finding in added.refusal]
            _print_json({**version_data(added.version), "added": added.new, "refusal": refusal})
            return ExitCode.PASSED
        if not added.new:
            kept = ", nor the comment: `pressline recipes comment` adds one" if comment else ""
            print(f"{added.version} has these very bytes already; nothing was added" + kept)
            return ExitCode.PASSED
        print(f"{added.version} was added by {added.version.by}")
        _print_identity(added.version)
        _print_refusal(added.refusal)
        return ExitCode.PASSED

    return reported(work, as_json=as_json)


def list_versions(name: str | None, store: Place, *, as_json: bool) -> ExitCode:
    """Lists all recipes, or all versions of one."""

    def work() -> ExitCode:
        shelf, code = _looked_at(store, with_texts=True)
        if name is None:
            _list_recipes(shelf, as_json=as_json)
            return code
        of = reference(name)
        versions = shelf.versions(of.name) if of.version is None else (shelf.version(of),)
        if as_json:
            _print_json({"recipe": of.name, "versions": [version_data(version) for version in versions]})
        else:
            for version in versions:
                _print_version(version)
        return code

    return reported(work, as_json=as_json)


def show_version(text_reference: str, store: Place, *, text: bool, as_json: bool) -> ExitCode:
    """Shows what is known of a version, or prints its text byte for byte."""

    def work() -> ExitCode:
        shelf, code = _looked_at(store, with_texts=not text)
        version = shelf.version(reference(text_reference))
        content = files_of(store, version).text if text else b""
        if as_json:
            _print_json(version_data(version) | ({"content": content.decode()} if text else {}))
        elif text:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            _print_version(version)
        return code

    return reported(work, as_json=as_json)


def comment_version(version: str, text: str, by: str, store: Place, *, as_json: bool) -> ExitCode:
    """Adds a comment."""

    def work() -> ExitCode:
        commented = RecipeStore(store, utc_text).comment(reference(version, versioned=True), text, by)
        return _done(commented, f"{commented} has the comment of {commented.comments[-1].by}", as_json=as_json)

    return reported(work, as_json=as_json)


def approve_version(
    version: str, by: str, meaning: str, line: Path | None, store: Place, *, four_eyes: bool, as_json: bool
) -> ExitCode:
    """Approves the plan of a version on a line."""

    def work() -> ExitCode:
        of = reference(version, versioned=True)
        recipes = RecipeStore(store, utc_text)
        approved, plan = recipes.approve(of, by, meaning, _line_name(line), capabilities(line), four_eyes=four_eyes)
        approval = approved.approvals[-1]
        lines = [f"{approved} was approved by {approval.by} for {approval.line}", *_approval_lines(approval)]
        would = sum(finding.level == "would_refuse" for finding in plan.findings)
        if would:
            lines.append(f"  it is comparative: {would} claims or required rules would refuse it in production")
        return _done(approved, "\n".join(lines), as_json=as_json)

    return reported(work, as_json=as_json)


def withdraw_version(version: str, by: str, reason: str, store: Place, *, as_json: bool) -> ExitCode:
    """Withdraws the approvals of a version."""

    def work() -> ExitCode:
        of = reference(version, versioned=True)
        withdrawn = RecipeStore(store, utc_text).withdraw(of, by, reason)
        last = withdrawn.approvals[-1].withdrawn
        names = ", ".join(approval.by for approval in withdrawn.approvals if approval.withdrawn == last)
        return _done(
            withdrawn, f"{withdrawn} is approved no longer; withdrawn: the approval of {names}", as_json=as_json
        )

    return reported(work, as_json=as_json)


def export_version(version: str, output: Path, store: Place, *, as_json: bool) -> ExitCode:
    """Writes a version and its packs to files."""

    def work() -> ExitCode:
        shelf, code = _looked_at(store, with_texts=False)
        found = shelf.version(reference(version))
        written = write_files(files_of(store, found), output)
        if as_json:
            _print_json({**version_data(found), "files": [str(path) for path in written]})
        else:
            print(f"{found} is in {', '.join(map(str, written))}")
        return code

    return reported(work, as_json=as_json)


def diff_versions(first: str, second: str, store: Place, *, as_json: bool) -> ExitCode:
    """Compares two versions, or a version and a file, by their names as they were typed."""
    from controller.cli.recipe_tools import DIFFERENT, diff_files

    def work() -> ExitCode:
        with tempfile.TemporaryDirectory(prefix="pressline-") as folder:
            files = [_compared(text, store, Path(folder)) for text in (first, second)]
            with chdir(folder):  # places are told as NAME@VERSION.yaml:LINE
                code = diff_files(files[0][0], files[1][0], as_json=as_json)
        packs, others = files[0][1], files[1][1]
        if packs is None or others is None or code is ExitCode.UNUSABLE:
            return code
        changed = [path for path in sorted(packs.keys() | others.keys()) if packs.get(path) != others.get(path)]
        for path in changed:
            print(f"{path}: the stored rule pack differs", file=sys.stderr)
        return DIFFERENT if changed else code

    return reported(work, as_json=as_json)


def _compared(text: str, store: Place, folder: Path) -> tuple[Path, Mapping[str, str] | None]:
    """The file to compare, in `folder` for a stored version, which has packs (path -> SHA-256) too."""
    try:
        of = reference(text)
    except WordsUnusable:
        return Path(text).absolute(), None
    version = read_shelf(store).version(of)
    file = folder / f"{version}.yaml"
    file.write_bytes(files_of(store, version).text)
    return Path(file.name), version.packs


def version_data(version: Version) -> dict[str, Any]:
    """A version as plain data."""
    data = asdict(version) | {"version": version.number, "state": version.state}
    data["approvals"] = [asdict(approval) | {"valid": approval.withdrawn is None} for approval in version.approvals]
    del data["number"]
    return data


def _line_name(line: Path | None) -> str:
    return SHIPPED_LINE if line is None else load_line(line).name


def _list_recipes(shelf: Shelf, *, as_json: bool) -> None:
    listed = []
    for name, versions in sorted(shelf.recipes.items()):
        approved = shelf.newest_approved(name)
        listed.append(
            {
                "recipe": name,
                "newest": versions[-1].number,
                "newest_approved": None if approved is None else approved.number,
                "states": {str(version.number): version.state for version in versions},
            }
        )
        if not as_json:
            newest = f"newest {versions[-1].number} ({versions[-1].state})"
            print(f"{name:24} {newest:22} approved {'-' if approved is None else approved.number}")
    if as_json:
        _print_json({"recipes": listed})
    elif not listed:
        print("no recipe is stored yet")


def _print_version(version: Version) -> None:
    said = f": {version.comment}" if version.comment else ""
    print(f"{version}  {version.state}  added by {version.by}, {version.utc}{said}")
    _print_identity(version)
    for comment in version.comments:
        print(f"  comment   {comment.by}, {comment.utc}: {comment.text}")
    for approval in version.approvals:
        meaning = f": {approval.meaning}" if approval.meaning else ""
        print(f"  approved  {approval.by}, {approval.utc}, for {approval.line}{meaning}")
        print("\n".join(_approval_lines(approval)))
        if (end := approval.withdrawn) is not None:
            print(f"  withdrawn {end.by}, {end.utc}: {end.reason}")


def _print_identity(version: Version) -> None:
    print(f"  text      {version.text_sha256} ({version.bytes} bytes)")
    print(f"  content   {version.content_sha256}")
    for path, digest in version.packs.items():
        print(f"  pack      {digest} ({path})")
    plan = f"no plan on {version.line}" if version.plan_hash is None else f"{version.plan_hash} (on {version.line})"
    print(f"  plan      {plan}")


def _approval_lines(approval: Approval) -> list[str]:
    return [f"    of plan {approval.plan_hash}", f"    record  {approval.sequence}, {approval.hash}"]


def _print_refusal(refusal: Sequence[Finding]) -> None:
    refused = [finding for finding in refusal if finding.level == "refused"]
    if refused:
        print("it cannot be approved for this line as it is:")
        for finding in refused:
            print(f"  {finding}")


def _done(version: Version, text: str, *, as_json: bool) -> ExitCode:
    if as_json:
        _print_json(version_data(version))
    else:
        print(text)
    return ExitCode.PASSED


def _looked_at(store: Place, *, with_texts: bool) -> tuple[Shelf, ExitCode]:
    """What is stored, and the code with which a command ends that shows it; damage is told first."""
    shelf = read_shelf(store, with_texts=with_texts)
    for fault in shelf.faults:
        print(f"{store}: stored recipes are damaged: {fault}", file=sys.stderr)
    return shelf, ExitCode.REFUSED if shelf.faults else ExitCode.PASSED


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2))
