"""What a text line's profile must be as a whole: its frame, its requests, and the blocks that they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from drivers import ascii_pattern
from drivers.profile_shape import BlockShape, LineShape, ProfileShape, SignalShape
from drivers.profile_yaml import Place

Found = Iterator[tuple[Place, str]]
_SPELT = {
    **dict.fromkeys(("LF", "NL", "0A", "0X0A", "10"), r"\n"),
    **dict.fromkeys(("CR", "0D", "0X0D", "13"), r"\r"),
    **dict.fromkeys(("CRLF", "CRNL", "0D0A", "0X0D0A", "0X0D0X0A", "1310"), r"\r\n"),
}
"""How manuals call line ends, and how double quotes spell them."""
_ENDS = r'a line feed is "\n" in double quotes, a carriage return "\r"'


def line_mistakes(shape: ProfileShape) -> Found:
    """What keeps a text line from being used."""
    if shape.line is None:
        yield (), "line is missing: how are the lines of text framed?"
    else:
        yield from _line(shape, shape.line)
    yield from _blocks(shape)


def line_advice(shape: ProfileShape) -> Found:
    """What is allowed in a text line and probably not meant."""
    if shape.line is not None and shape.line.terminator.isprintable() and not _is_spelt(shape.line.terminator):
        yield ("line", "terminator"), f"is a character that is printed; {_ENDS}"


def _line(shape: ProfileShape, line: LineShape) -> Found:
    for place, text in ascii_pattern.check(line.built()):
        yield ("line", *place), text
    if _is_spelt(line.terminator):
        yield ("line", "terminator"), _spelt(line.terminator)
    if shape.blocks and line.read is None:
        yield ("line",), "read is missing: no request reads the blocks"
    if any(s.echo is not None for s in shape.signals) and line.write_job is None:
        yield ("line",), "write_job is missing: no request writes the job"
    for i, signal in enumerate(shape.signals):
        if signal.access == "r":
            continue
        if line.write is None:
            if signal.echo is None:
                yield ("signals", i, "access"), "no request of the line writes one value"
        elif "{unit_text}" in line.write.reply and not signal.unit:
            yield ("signals", i), f"{signal.name} has no unit, and the line's write has {{unit_text}} in its reply"
    for name, action in line.actions.items():
        if "{unit_text}" in action.reply and not any(signal.unit for signal in shape.signals):
            yield ("line", "actions", name, "reply"), "has {unit_text}, and no signal has a unit"


def _is_spelt(terminator: str) -> bool:
    """Whether a terminator is the name of a line end, and not the line end itself; `;` or `>` may be meant."""
    return "\\" in terminator or any(map(str.isalnum, terminator))


def _spelt(terminator: str) -> str:
    meant = terminator if "\\" in terminator else _SPELT.get("".join(filter(str.isalnum, terminator)).upper())
    hint = _ENDS if meant is None else f'write it in double quotes, "{meant}"'
    return f"'{terminator}' would be sent as these characters: {hint}"


def _blocks(shape: ProfileShape) -> Found:
    by_name = {s.name: s for s in shape.signals}
    names = Counter(b.name for b in shape.blocks)
    read = Counter(name for b in shape.blocks for name in b.signals)
    for i, block in enumerate(shape.blocks):
        if names[block.name] > 1:
            yield ("blocks", i, "name"), f"the block {block.name} is there {names[block.name]} times"
        for place, name in enumerate(block.signals):
            if name not in by_name:
                yield ("blocks", i, "signals", place), f"there is no signal {name}"
            elif by_name[name].access == "w":
                yield ("blocks", i, "signals", place), f"{name} can only be written"
            if read[name] > 1:
                yield ("blocks", i, "signals", place), f"{name} is read {read[name]} times"
        if shape.line is not None and shape.line.read is not None:
            signals = [by_name[name] for name in block.signals if name in by_name]
            for text in _unreadable(block, signals, shape.line.read.reply):
                yield ("blocks", i, "signals"), text
    for i, signal in enumerate(shape.signals):
        if signal.access != "w" and signal.echo is None and signal.name not in read:
            yield ("signals", i), f"no block reads {signal.name}"


def _unreadable(block: BlockShape, signals: list[SignalShape], reply: str) -> Iterator[str]:
    """Why no answer of the line can bring the values of a block."""
    if "{values}" not in reply and len(block.signals) > 1:
        yield (
            f"{block.name} has {len(block.signals)} signals, and the line's read has one {{value}} in its reply:"
            " write {values} with a separator, or a block for each signal"
        )
    if "{unit_text}" not in reply:
        return
    bare = [signal.name for signal in signals if not signal.unit]
    if bare:
        yield f"{', '.join(bare)}: no unit, and the line's read has {{unit_text}} in its reply: each value needs one"
    elif len({signal.unit for signal in signals}) > 1:
        yield f"{block.name} has values in several units, and the line's read has one {{unit_text}} in its reply"
