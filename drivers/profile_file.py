"""Reading a profile's YAML file: its shape, the checks of the whole, and every mistake with its place."""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from drivers.errors import ProfileError
from drivers.profile import Block, Command, ModbusMap, Profile, SafeState, Signal, Timing
from drivers.profile_checks import advice_of, mistakes_of
from drivers.profile_shape import ProfileShape, SignalShape
from drivers.profile_words import findings
from drivers.profile_yaml import read_document
from drivers.read_plan import read_plan

_FOLDER = Path(__file__).parent / "profiles"


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with the program."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """A shipped profile by its name, or a user's by its path.

    Raises ProfileError, with file:line:column of every mistake.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.suffix not in (".yaml", ".yml"):
        if name_or_path in shipped_profiles():
            path = _FOLDER / f"{name_or_path}.yaml"
        elif not os.path.isfile(path):  # noqa: PTH113  a name that no file can have is no file's, and no error
            raise ProfileError(_no_profile(name_or_path))
    return read_profile(path)


def _no_profile(name: str) -> str:
    """Why there is none of this name, and which one may be meant."""
    told = f"there is no profile {name[:80]!r}, and no file"
    if os.path.isfile(f"{name}.yaml"):  # noqa: PTH113
        return f"{told}; is {name}.yaml meant?"
    near = get_close_matches(name[:80], shipped_profiles(), 1)
    return f"{told}; {f'is {near[0]} meant? ' if near else ''}shipped are {', '.join(shipped_profiles())}"


def read_profile(path: Path) -> Profile:
    """The checked profile of one file; raises ProfileError with file:line:column of every mistake."""
    shape, mistakes, _ = _checked(path)
    if shape is None or mistakes:
        raise ProfileError("\n".join(mistakes))
    return _built(shape)


def check_profile(path: Path) -> tuple[list[str], list[str]]:
    """All mistakes of one file, and advice that does not keep it from being used; each with file:line:column."""
    _, mistakes, advice = _checked(path)
    return mistakes, advice


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile, for editors; `drivers/profile.schema.json` is this."""
    schema = _untitled(ProfileShape.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "pressline profile", **schema}


def _untitled(schema: Any) -> Any:
    """pydantic titles every key with the key again, and lets names pass that do not fit their pattern."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema = {**schema, "additionalProperties": False}
        return {key: _untitled(value) for key, value in schema.items() if key != "title"}
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema


def _checked(path: Path) -> tuple[ProfileShape | None, list[str], list[str]]:
    try:
        document = read_document(path)
    except ProfileError as error:
        return None, [str(error)], []
    try:
        shape = ProfileShape.model_validate(document.data)
    except ValidationError as error:
        return None, document.told([*document.slips, *findings(error.errors())]), []
    return shape, document.told([*document.slips, *mistakes_of(shape)]), document.told(advice_of(shape))


def _built(shape: ProfileShape) -> Profile:
    modbus = ModbusMap(**dict(shape.modbus or ())) if shape.protocol == "modbus" else None
    signals = [_signal(s, modbus or ModbusMap(), poll=shape.polls(s)) for s in shape.signals]
    durations = {name: duration for name, duration in shape.timing if duration is not None}
    written = tuple(Block(name=b.name, signals=b.signals, poll=b.poll) for b in shape.blocks)
    return Profile(
        name=shape.profile,
        kind=shape.kind,
        protocol=shape.protocol,
        meaning=shape.meaning,
        document=shape.document,
        identity=shape.identity,
        timing=Timing(
            **{name: duration.value for name, duration in durations.items()},
            reasons={name: duration.reason for name, duration in durations.items()},
        ),
        signals={s.name: s for s in signals},
        blocks=written if modbus is None else read_plan(signals, modbus),
        enums=shape.enums,
        modbus=modbus,
        line=None if shape.line is None else shape.line.built(),
        commands={name: Command(name, **dict(c)) for name, c in shape.commands.items()},
        safe_state=None if shape.safe_state is None else SafeState(**dict(shape.safe_state)),
        without=shape.without,
    )


def _signal(shape: SignalShape, modbus: ModbusMap, *, poll: bool) -> Signal:
    given = dict(shape) | {"poll": poll}
    given["word_order"] = shape.word_order or modbus.word_order
    given["byte_order"] = shape.byte_order or modbus.byte_order
    return Signal(**given)


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
