"""Damages to a recipe's tree: its structure, its values, its names and its numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import inf, nextafter

from recipes.load import library_recipes
from tests.campaign import hostile
from tests.campaign.tree import Node, Scalar, Sequence, Slot, Table, copied, parsed, shipped, slots, tables

TreeDamage = Callable[[Table, random.Random], None]


def _any(tree: Table, chance: random.Random) -> Slot | None:
    found = list(slots(tree))
    return chance.choice(found) if found else None


def _any_scalar(tree: Table, chance: random.Random) -> Slot | None:
    found = [slot for slot in slots(tree) if isinstance(slot.node, Scalar)]
    return chance.choice(found) if found else None


def _any_quantity(tree: Table, chance: random.Random) -> Slot | None:
    found = [slot for slot in slots(tree) if isinstance(slot.node, Scalar) and slot.node.text[:1].isdigit()]
    return chance.choice(found) if found else None


def _any_table(tree: Table, chance: random.Random) -> Table:
    return chance.choice(list(tables(tree)))


def _steps(tree: Table) -> list[Table]:
    steps = tree.get("steps")
    return [step for step in steps.items if isinstance(step, Table)] if isinstance(steps, Sequence) else []


def _lots(step: Table) -> Iterator[Slot]:
    """The places in which a step names lots."""
    for number, (key, value) in enumerate(step.items):
        if key.text in ("consumes", "produces") and isinstance(value, Scalar):
            yield Slot(step, number)
        elif key.text == "consumes" and isinstance(value, Sequence):
            yield from (Slot(value, item) for item in range(len(value.items)))
        elif key.text == "inspect" and isinstance(value, Table):
            yield from (Slot(value, item) for item, (name, _) in enumerate(value.items) if name.text == "lot")


# ---------------------------------------------------------------- structure


def delete(tree: Table, chance: random.Random) -> None:
    if (slot := _any(tree, chance)) is not None:
        slot.delete()


def duplicate(tree: Table, chance: random.Random) -> None:
    """The same again behind it: a key twice, or an item twice."""
    if (slot := _any(tree, chance)) is not None:
        if isinstance(slot.parent, Table):
            slot.parent.items.insert(slot.number, (Scalar(slot.parent.items[slot.number][0].text), copied(slot.node)))
        else:
            slot.parent.items.insert(slot.number, copied(slot.node))


def swap(tree: Table, chance: random.Random) -> None:
    """Two values change places; a value that would land in itself is copied there."""
    one, other = _any(tree, chance), _any(tree, chance)
    if one is not None and other is not None:
        first, second = copied(one.node), copied(other.node)
        other.replace(first)
        one.replace(second)


def move(tree: Table, chance: random.Random) -> None:
    """A key with its value, or an item, somewhere else."""
    if (slot := _any(tree, chance)) is None:
        return
    moved = slot.parent.items[slot.number]
    slot.delete()
    target = _any_table(tree, chance)
    target.items.insert(
        chance.randint(0, len(target.items)), moved if isinstance(moved, tuple) else (Scalar("x"), moved)
    )


def retype(tree: Table, chance: random.Random) -> None:
    """A list where a text was, nothing where a list was."""
    if (slot := _any(tree, chance)) is not None:
        node = copied(slot.node)
        kinds: list[Node] = [Scalar("~", raw=True), Scalar("1"), Sequence(), Table(), Sequence([node])]
        kinds += [Table([(Scalar("value"), node)]), Scalar("[[a, b], [c]]", raw=True)]
        slot.replace(chance.choice(kinds))


def nest(tree: Table, chance: random.Random) -> None:
    """Deep lists around a value, about as deep as is allowed."""
    if (slot := _any(tree, chance)) is not None:
        node = copied(slot.node)
        for _ in range(chance.choice((2, 5, 13, 14, 15, 16, 17, 18, 19, 20, 40))):
            node = Sequence([node]) if chance.random() < 0.7 else Table([(Scalar("in"), node)])
        slot.replace(node)


def graft(tree: Table, chance: random.Random) -> None:
    """A piece of another recipe, under its own key or in the place of a value."""
    _, other = shipped(chance.choice(library_recipes()))
    source, target = _any(other if isinstance(other, Table) else tree, chance), _any(tree, chance)
    if source is None or target is None:
        return
    if isinstance(source.parent, Table) and chance.random() < 0.5:
        table = _any_table(tree, chance) if chance.random() < 0.5 else tree
        table.put(source.parent.items[source.number][0].text, copied(source.node))
    else:
        target.replace(copied(source.node))


def rename_key(tree: Table, chance: random.Random) -> None:
    """A key with a slip in it, another case, another place's name, or something hostile."""
    table = _any_table(tree, chance)
    if not table.items:
        return
    number = chance.randrange(len(table.items))
    key, value = table.items[number]
    text = key.text or "x"
    place = chance.randrange(len(text))
    names = [text[:place] + text[place + 1 :], text.upper(), text + "s", f" {text}", text.replace("_", "-")]
    names += [chance.choice(hostile.TEXTS), chance.choice(_any_table(tree, chance).items or table.items)[0].text]
    table.items[number] = (Scalar(chance.choice(names)), value)


def raw_key(tree: Table, chance: random.Random) -> None:
    """Merge keys, tagged keys, keys that are lists."""
    keys = ("<<", "? [a]", "!!str title", "&k title", "*k", '"a\\nb"', "~", "[a]", "{a: b}", "? |\n  x\n", "=", "''")
    table = _any_table(tree, chance)
    value = copied(chance.choice(table.items)[1]) if table.items else Scalar("x")
    table.items.insert(chance.randint(0, len(table.items)), (Scalar(chance.choice(keys), raw=True), value))


def shuffle(tree: Table, chance: random.Random) -> None:
    """Keys or items in another order; the steps of a recipe keep their flow of lots."""
    steps = tree.get("steps")
    found = [node for node in (tree, *(slot.node for slot in slots(tree))) if not isinstance(node, Scalar)]
    node = steps if isinstance(steps, Sequence) and chance.random() < 0.5 else chance.choice(found)
    chance.shuffle(node.items)


def new_key(tree: Table, chance: random.Random) -> None:
    """One of the keys that a recipe may have at its top."""
    added = parsed(chance.choice(hostile.NEW_KEYS).encode())
    if isinstance(added, Table):
        for key, value in added.items:
            tree.put(key.text, value)


def new_step(tree: Table, chance: random.Random) -> None:
    """A step of a kind that this recipe need not have."""
    steps, step = tree.get("steps"), parsed(chance.choice(hostile.STEPS).encode())
    if isinstance(steps, Sequence) and step is not None:
        steps.items.insert(chance.randint(0, len(steps.items)), step)


def many_steps(tree: Table, chance: random.Random) -> None:
    """Hundreds of steps: inspections, copies of what is there, a chain of lots, in order or from the end."""
    steps = tree.get("steps")
    if not isinstance(steps, Sequence) or not steps.items:
        return
    count = chance.choice((200, 200, 200, 500, 500, 2000))
    kind = chance.randrange(4)
    added: list[Node] = []
    for number in range(count):
        lots = f"lot {number}" if kind == 1 else f"[lot {number}, lot {number * 7 % count}]"
        text = f"{{name: go {number}, task: {{action: stack, text: go, adds: [copper]}}, consumes: {lots}, "
        text += f"produces: lot {number + 1}}}"
        if kind == 0:
            text = f"{{name: look {number}, inspect: {{lot: electrode laminate, measures: thickness}}}}"
        step = copied(chance.choice(steps.items)) if kind == 3 else parsed(text.encode())
        if step is not None:
            added.append(step)
    if chance.random() < 0.5:
        added.reverse()
    steps.items[: 0 if chance.random() < 0.5 else len(steps.items)] = added


def many_keys(tree: Table, chance: random.Random) -> None:
    """Hundreds of foils, materials or unknown keys."""
    count = chance.choice((50, 300, 1000))
    kind = chance.randrange(3)
    laminate = tree.get("laminate")
    if kind == 0:
        table = _any_table(tree, chance)
        table.items += [(Scalar(f"key {number}"), Scalar("x")) for number in range(count)]
    elif isinstance(laminate, Table) and isinstance(foils := laminate.get("foils"), Table) and foils.items:
        _, foil = foils.items[0]
        foils.items += [(Scalar(f"foil {number}"), copied(foil)) for number in range(count)]
        if kind == 2 and isinstance(order := laminate.get("order"), Sequence):
            order.items += [Scalar(f"foil {number}") for number in range(count)]


# ---------------------------------------------------------------- values


def hostile_text(tree: Table, chance: random.Random) -> None:
    if (slot := _any_scalar(tree, chance)) is not None:
        slot.replace(Scalar(chance.choice(hostile.TEXTS)))


def hostile_name(tree: Table, chance: random.Random) -> None:
    """A step, lot or foil with a name that is hard to show, everywhere that it is named."""
    names = [slot.node.text for step in _steps(tree) for slot in _lots(step) if isinstance(slot.node, Scalar)]
    names += [name.text for step in _steps(tree) if isinstance(name := step.get("name"), Scalar)]
    if names:
        _rename(tree, chance.choice(names), chance.choice(hostile.TEXTS))


def raw_value(tree: Table, chance: random.Random) -> None:
    """Anchors, aliases, tags, quotes that do not close."""
    if (slot := _any(tree, chance)) is not None:
        slot.replace(Scalar(chance.choice(hostile.RAW), raw=True))


def wrong_unit(tree: Table, chance: random.Random) -> None:
    _requantify(tree, chance, hostile.other_unit)


def wrong_number(tree: Table, chance: random.Random) -> None:
    _requantify(tree, chance, hostile.other_number)


def near_number(tree: Table, chance: random.Random) -> None:
    _requantify(tree, chance, hostile.changed_number)


def wrong_range(tree: Table, chance: random.Random) -> None:
    _requantify(tree, chance, hostile.upside_down)


def _requantify(tree: Table, chance: random.Random, change: Callable[[str, random.Random], str]) -> None:
    if (slot := _any_quantity(tree, chance)) is not None and isinstance(slot.node, Scalar):
        slot.replace(Scalar(change(slot.node.text, chance)))


def fitting_number(tree: Table, chance: random.Random) -> None:
    """Another value with a window that fits it, so that it comes through the reader: mild, or near what is possible."""
    pairs = [
        (table, key.text) for table in tables(tree) for key, _ in table.items if f"{key.text}_window" in _names(table)
    ]
    if not pairs:
        return
    table, key = chance.choice(pairs)
    value = table.get(key)
    match = hostile.NUMBER.match(value.text) if isinstance(value, Scalar) else None
    if not isinstance(value, Scalar) or match is None:
        return
    unit, number = value.text[match.end() :].strip(), float(match[0])
    new = abs(chance.choice((number * chance.uniform(0.3, 3.0), number * 10.0 ** chance.randint(-9, 9), _odd(chance))))
    lower, upper = new * chance.choice((0.5, 0.98, 1.0)), new * chance.choice((1.0, 1.02, 2.0))
    table.put(key, Scalar(f"{new:.12g} {unit}"))
    table.put(
        f"{key}_window", Scalar(f"{float(f'{lower:.12g}') * 0.9999999}..{float(f'{upper:.12g}') * 1.0000001} {unit}")
    )


def window_edge(tree: Table, chance: random.Random) -> None:
    """The value exactly at the edge of its window, or the next number outside."""
    pairs = [
        (table, key.text) for table in tables(tree) for key, _ in table.items if f"{key.text}_window" in _names(table)
    ]
    if not pairs:
        return
    table, key = chance.choice(pairs)
    window = table.get(f"{key}_window")
    match = hostile.RANGE.fullmatch(window.text) if isinstance(window, Scalar) else None
    if match is not None:
        end = float(chance.choice((match["lower"], match["upper"])))
        value = chance.choice((end, nextafter(end, inf), nextafter(end, -inf)))
        table.put(key, Scalar(f"{value!r}{match['rest']}"))


def _odd(chance: random.Random) -> float:
    return chance.choice((5e-324, 1e-99, 1e-12, 1e-3, 1.0, 25.0, 60.0, 99.999999, 199.9999, 200.0, 600.0, 1e6, 1e99))


def _names(table: Table) -> set[str]:
    return {key.text for key, _ in table.items}


# ---------------------------------------------------------------- names and lots


def swap_lots(tree: Table, chance: random.Random) -> None:
    """Two lots change places: cycles, two users of one lot, two makers."""
    found = [slot for step in _steps(tree) for slot in _lots(step)]
    if len(found) >= 2:
        one, other = chance.sample(found, 2)
        first, second = copied(one.node), copied(other.node)
        one.replace(second if chance.random() < 0.7 else first)
        other.replace(first)


def rename_lot(tree: Table, chance: random.Random) -> None:
    """A lot renamed in one place, or everywhere."""
    found = [slot for step in _steps(tree) for slot in _lots(step)]
    if not found:
        return
    slot = chance.choice(found)
    new = chance.choice(("nothing", "lot", "cathode sheet", "Cathode sheet", "electrode laminate", "slurry"))
    if chance.random() < 0.5 and isinstance(slot.node, Scalar):
        _rename(tree, slot.node.text, new)
    else:
        slot.replace(Scalar(new))


def _rename(tree: Table, old: str, new: str) -> None:
    for slot in list(slots(tree)):
        if isinstance(slot.node, Scalar) and slot.node.text == old:
            slot.replace(Scalar(new))


def own_lot(tree: Table, chance: random.Random) -> None:
    """A step that consumes what it produces."""
    steps = [step for step in _steps(tree) if step.get("consumes") is not None and step.get("produces") is not None]
    if steps:
        step = chance.choice(steps)
        produces = step.get("produces")
        if produces is not None:
            step.put("consumes", copied(produces))


def roles(tree: Table, chance: random.Random) -> None:
    """A role twice, swapped, missing, or on a step that is no pressing."""
    if steps := _steps(tree):
        step = chance.choice(steps)
        if chance.random() < 0.3:
            step.items = [item for item in step.items if item[0].text != "role"]
        else:
            step.put("role", Scalar(chance.choice(("join1", "join2", "densify", "join3", "join4", "JOIN1"))))


def layers(tree: Table, chance: random.Random) -> None:
    """Layer and foil names swapped everywhere, or one of them used for another."""
    names = [
        "cathode",
        "solid_electrolyte",
        "intermediate",
        "lithium",
        "copper",
        "aluminum",
        "support_sheet",
        "separator",
    ]
    names += ["heat_resistant", "negative_electrode", "positive_electrode", "electrode"]
    one, other = chance.sample(names, 2)
    for slot in slots(tree):
        if isinstance(slot.node, Scalar) and slot.node.text in (one, other):
            slot.replace(Scalar(other if slot.node.text == one else one))
    if chance.random() < 0.5:
        for table in tables(tree):
            table.items = [
                (Scalar({one: other, other: one}.get(key.text, key.text)), value) for key, value in table.items
            ]


def drop_step(tree: Table, chance: random.Random) -> None:
    """A step less; its lot is handed on, so that the flow still closes."""
    steps = tree.get("steps")
    if not isinstance(steps, Sequence) or not steps.items:
        return
    step = steps.items.pop(chance.randrange(len(steps.items)))
    if isinstance(step, Table) and isinstance(made := step.get("produces"), Scalar):
        used = step.get("consumes")
        used = used.items[0] if isinstance(used, Sequence) and used.items else used
        if isinstance(used, Scalar):
            _rename(tree, made.text, used.text)


def other_text(tree: Table, chance: random.Random) -> None:
    """The text of another scalar of the same recipe."""
    one, other = _any_scalar(tree, chance), _any_scalar(tree, chance)
    if one is not None and other is not None:
        one.replace(copied(other.node))


DAMAGES: tuple[tuple[int, TreeDamage], ...] = (
    *((8, damage) for damage in (delete, duplicate, swap, move, graft, rename_key, other_text, near_number)),
    *((14, damage) for damage in (fitting_number, new_key, near_number, drop_step)),
    *(
        (6, damage)
        for damage in (retype, hostile_text, hostile_name, wrong_unit, wrong_number, wrong_range, window_edge)
    ),
    *((6, damage) for damage in (swap_lots, rename_lot, own_lot, roles, layers, new_step)),
    *((8, damage) for damage in (shuffle,)),
    *((4, damage) for damage in (nest, raw_key, raw_value)),
    *((1, damage) for damage in (many_steps, many_keys)),
)
"""How often each is drawn, and what it does."""
