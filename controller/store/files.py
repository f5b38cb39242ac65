"""A recipe's text together with the rule packs that it names by path: read, laid out in a folder, written back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from controller.store.errors import RecipeStoreError
from recipes.findings import Finding, RecipeErrors
from recipes.load import load_recipe
from recipes.model import Location, Recipe
from recipes.plan import Refused
from recipes.reader.document import LARGEST_BYTES
from recipes.rules.description import description_file


@dataclass(frozen=True, slots=True)
class RecipeFiles:
    """A recipe byte for byte, and its packs' files by their paths relative to it."""

    text: bytes
    packs: Mapping[str, bytes] = field(default_factory=dict)


def read_files(file: Path) -> tuple[RecipeFiles, Recipe]:
    """What is to be stored of a recipe file: each file is read once, and what was read is what is checked.

    Raises RecipeErrors, also for a pack that lies elsewhere than beside or below the recipe: it could not be put back.
    """
    files = RecipeFiles(_content(file, Location(file, 1, 1)))
    with staged(files, file) as copy:
        recipe = load_recipe(copy)
        place = recipe.locations.get("basis", recipe.location)
        place = Location(file, place.line, place.column)
        names = [name for pack in pack_paths(recipe) for name in _pack_files(file, pack, place)]
    packs = {name: _content(file.parent / name, place) for name in names}
    return replace(files, packs=packs), recipe


def pack_paths(recipe: Recipe) -> tuple[str, ...]:
    """The rule packs that a recipe names by the path of their CSV file, as recipes.rules.pack tells them apart."""
    return tuple(name for name in recipe.basis if "/" in name or name.endswith(".csv"))


@contextmanager
def staged(files: RecipeFiles, told_as: Path) -> Iterator[Path]:
    """The path of a copy, in a folder of its own that is there as long as the block.

    Findings about the copy (RecipeErrors, Refused) leave the block as findings about `told_as`.
    """
    with _copied(files, told_as.name) as copy:
        try:
            yield copy
        except RecipeErrors as error:
            raise RecipeErrors(_elsewhere(error.findings, copy.parent, told_as.parent)) from error
        except Refused as error:
            raise Refused(_elsewhere(error.findings, copy.parent, told_as.parent)) from error


@contextmanager
def _copied(files: RecipeFiles, name: str) -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="pressline-")
    except OSError as error:
        raise RecipeStoreError(f"{name}: there is no place for a copy ({error.strerror or error})") from error
    with folder:
        copy = Path(folder.name, name)
        try:
            for target, content in _targets(files, copy).items():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        except OSError as error:
            raise RecipeStoreError(f"{name}: cannot be copied to {folder.name} ({error.strerror})") from error
        yield copy


def write_files(files: RecipeFiles, output: Path) -> list[Path]:
    """Writes a recipe and its packs; files that are there already with the same content are left alone.

    Raises RecipeStoreError when a file is there with another content (then nothing is written), and OSError.
    """
    targets = _targets(files, output)
    for target, content in targets.items():
        if target.exists() and (not target.is_file() or target.read_bytes() != content):
            raise RecipeStoreError(f"{target}: is there already with another content; nothing was written")
    for target, content in targets.items():
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(target.name + ".part")
            draft.write_bytes(content)
            draft.replace(target)
    return list(targets)


def is_inside(path: str) -> bool:
    """Whether a pack's path, as a recipe writes it, stays beside or below the recipe."""
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts


def _targets(files: RecipeFiles, recipe: Path) -> dict[Path, bytes]:
    """Where each file goes; two files in one place are refused."""
    targets = {recipe: files.text}
    for name, content in files.packs.items():
        target = recipe.parent / name
        if not is_inside(name) or target in targets:
            raise RecipeStoreError(f"{recipe}: the rule pack {name} cannot be put beside it; give another file name")
        targets[target] = content
    return targets


def _pack_files(file: Path, pack: str, place: Location) -> list[str]:
    """A pack's CSV and, where there is one, its description."""
    if not is_inside(pack):
        what = f"the rule pack {pack} is not beside the recipe or below, so it cannot be stored with it"
        raise RecipeErrors((Finding("error", what, place),))
    description = description_file(Path(pack))
    return [str(PurePosixPath(pack)), *([str(description)] if (file.parent / description).exists() else [])]


def _content(file: Path, place: Location) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)  # one byte more than allowed tells without reading it all
    except OSError as error:
        raise RecipeErrors((Finding("error", f"cannot read {file}: {error.strerror or error}", place),)) from error
    if len(content) > LARGEST_BYTES:
        what = f"{file} is larger than {LARGEST_BYTES} bytes"
        raise RecipeErrors((Finding("error", what, place),))
    return content


def _elsewhere(findings: tuple[Finding, ...], folder: Path, other: Path) -> tuple[Finding, ...]:
    """The same findings about files of another folder."""
    return tuple(
        replace(
            finding,
            message=finding.message.replace(f"{folder}/", "" if other == Path() else f"{other}/"),
            location=None if finding.location is None else _moved(finding.location, folder, other),
        )
        for finding in findings
    )


def _moved(place: Location, folder: Path, other: Path) -> Location:
    if not place.file.is_relative_to(folder):
        return place
    return replace(place, file=other / place.file.relative_to(folder))
