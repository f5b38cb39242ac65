"""What the program tells, read out of its source: the kinds of events and the names of conditions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CONTROLLER = Path(__file__).parents[3] / "controller"
TELLING = {"tell", "note", "append", "_tell"}
PLAIN = {"condition", "certificate", "measurement"}
"""The kinds of one word."""


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(CONTROLLER.rglob("*.py")):
        if CONTROLLER / "alarms" not in path.parents:
            yield path, parsed(path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def constants(tree: ast.Module) -> dict[str, str]:
    """A module's names for texts: its own before those that it imports from others of the program."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("controller"):
            file = CONTROLLER.parent.joinpath(*(node.module or "").split(".")).with_suffix(".py")
            if file.is_file():
                theirs = assigned(parsed(file))
                found |= {name.asname or name.name: theirs[name.name] for name in node.names if name.name in theirs}
    return found | assigned(tree)


@cache
def assigned(tree: ast.Module) -> dict[str, str]:
    """What a module assigns, in its functions too."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(text := getattr(value, "value", None), str):
                    found[name.id] = text
    return found


def text_of(node: ast.AST, names: dict[str, str]) -> str | None:
    """The text that an expression is, if it is a constant or a name for one."""
    found = names.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
    return found if isinstance(found, str) else None


@cache
def kinds_told() -> dict[str, str]:
    """Every kind of event that is told somewhere, and where: a dotted word given to what tells, or `condition`.

    Some are given by way of a variable: every dotted word whose first half is that of one found so counts too.
    """
    found = kinds_given()
    families = {kind.partition(".")[0] for kind in set(found) - PLAIN} | {"clock", "computer", "alarm"}
    for path, tree in trees():
        for node in ast.walk(tree):
            text = getattr(node, "value", None)
            if isinstance(text, str) and is_kind(text) and text.partition(".")[0] in families:
                found.setdefault(text, f"{path.relative_to(CONTROLLER.parent)}:{getattr(node, 'lineno', 0)}")
    return found


def kinds_given() -> dict[str, str]:
    """The kinds that stand, by themselves or by a constant's name, where something is told."""
    found: dict[str, str] = {}
    for path, tree in trees():
        names = constants(tree)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TELLING):
                continue
            for given in node.args[:2]:
                told = text_of(given, names)
                if told is not None and (told in PLAIN or is_kind(told)):
                    found[told] = f"{path.relative_to(CONTROLLER.parent)}:{node.lineno}"
    return found


def is_kind(text: str) -> bool:
    first, dot, second = text.partition(".")
    return bool(dot) and all(part.replace("_", "").isalpha() and part.islower() for part in (first, second))


@cache
def conditions_told() -> dict[str, str]:
    """Every name of a condition, and where it is told.

    They stand in a dict with name, unit, active and message, or are given to a `_condition` that makes one; or they are
    the first words `condition=` of a task whose death and hanging are told.
    """
    found: dict[str, str] = {}
    for path, tree in trees():
        names = constants(tree)
        for node in ast.walk(tree):
            for told in conditions_at(node, names):
                found[told] = f"{path.relative_to(CONTROLLER.parent)}:{getattr(node, 'lineno', 0)}"
    return found


def conditions_at(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    """The names of conditions that one expression tells."""
    match node:
        case ast.Dict(keys, values):
            words = [getattr(key, "value", None) for key in keys]
            if {"name", "unit", "active", "message"} <= set(words) and (
                told := text_of(values[words.index("name")], names)
            ):
                yield told
        case ast.Call(func=ast.Name("_condition") | ast.Attribute(attr="_condition"), args=given):
            yield from (told for one in given[:2] if (told := text_of(one, names)) and told.replace("_", "").isalpha())
        case ast.keyword("condition", value):
            if first := text_of(value, names):
                yield from (f"{first}_died", f"{first}_hung")
