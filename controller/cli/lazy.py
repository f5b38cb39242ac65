"""Commands that are made when they are asked for.

To list them their names and what they are for are enough; their options are read, and the modules of groups imported,
only for the one that is wanted: most of what `pressline --help` took was options that nobody had asked about.
"""

from __future__ import annotations

import inspect
from collections import UserDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info, get_command_name, get_group_from_info
from typer.models import CommandInfo, TyperInfo

Made = TyperCommand | TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A command or group of commands that is not made yet: what it is for, and how it is made."""

    help: str
    make: Callable[[], Made]


def commands_of(modules: Iterable[typer.Typer]) -> dict[str, Entry]:
    """The commands of modules that are imported already."""
    found = {}
    for info in (info for module in modules for info in module.registered_commands):
        if info.callback is None:
            continue
        name = info.name or get_command_name(info.callback.__name__)
        found[name] = Entry(info.help or inspect.getdoc(info.callback) or "", _made(info))
    return found


def groups_of(*loads: Callable[[], typer.Typer]) -> dict[str, Entry]:
    """Groups by the names of functions that import them; what such a function says of itself is the group's help."""
    return {load.__name__: _group(load.__name__, inspect.getdoc(load) or "", load) for load in loads}


def _group(name: str, what: str, load: Callable[[], typer.Typer]) -> Entry:
    def make() -> TyperGroup:
        info = TyperInfo(load(), name=name, help=what)
        return get_group_from_info(info, pretty_exceptions_short=False, suggest_commands=True, rich_markup_mode=None)

    return Entry(what, make)


def _made(info: CommandInfo) -> Callable[[], Made]:
    def make() -> Made:
        made = get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)
        return cast("TyperCommand", made)

    return make


class _Commands(UserDict[str, Any]):
    """By name; one is made when it is looked up."""

    def __getitem__(self, name: str) -> Made:
        found = self.data[name]
        if isinstance(found, Entry):
            found = self.data[name] = found.make()
        return cast("Made", found)


class LazyGroup(TyperGroup):
    """A group of `entries`, besides what is registered in the usual way."""

    entries: ClassVar[Mapping[str, Entry]] = {}

    def __init__(self, *, commands: Mapping[str, Made], **given: Any) -> None:
        super().__init__(**given)
        self.commands = self._known = _Commands({**self.entries, **commands})

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  typer calls it so
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        told = [TyperCommand(name, help=entry.help) for name, entry in self._known.data.items()]
        TyperGroup(commands=told).format_commands(ctx, formatter)
