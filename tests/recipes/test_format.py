"""One layout for recipes: what is made stays, comments stay, and a file that is laid out stays as it is."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recipes.format
from recipes.canonical import canonical_json
from recipes.format import LayoutRefused, formatted, laid_out
from recipes.layout.comments import comments_of
from recipes.layout.quantities import quantity_text, range_text
from recipes.layout.tree import parsed
from recipes.load import library_recipes, load_recipe
from recipes.units import Dimension, QuantityError, parse_quantity, parse_range
from tests.controller.test_cli import pressline
from tests.recipes.untidy import Untidy

EVERYTHING = Path(__file__).with_name("everything.yaml")
FILES = (EVERYTHING, *library_recipes())
TEXTS = {file.stem: file.read_text(encoding="utf-8") for file in FILES}


MORE = itertools.count(1)


def comments(text: str) -> Counter[str]:
    return Counter(comments_of(text, parsed(text)))


def content(text: str, folder: Path) -> str:
    file = folder / "content.yaml"
    file.write_text(text, encoding="utf-8")
    return canonical_json(load_recipe(file))


def edited(*changes: tuple[str, str]) -> str:
    text = TEXTS["everything"]
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_shipped_recipes_are_laid_out(file: Path) -> None:
    layout = formatted(file)
    assert layout.after == layout.before
    assert not layout.is_changed


UGLY = """%YAML 1.1
# yaml-language-server: $schema=recipe.schema.json

# About the file.
---   # the beginning


title:   "Example: one"   # the title
                          # goes on
# about the name
recipe: ugly
basis: # packs
- honda   # one
laminate: {   # open
    order: [aluminum,     # two
       # alone
       cathode
       # end
       ], # closed
    area: 16cm2
    , "layers":
        {cathode: {porosity: '45%', components: [{role: active_material, material: NCM622}],
                   coating_weight: 27.0  mg/cm2, true_density: 3.56 g/cm3}},
    foils: {aluminum: {thickness: 15 µm, material: aluminum, density: 2.7 g/cm3}}
} # laminate ends
steps:


   -   # dash
       # before the first key
       produces: a
       # coat it
       coat:
           # inside
           layer: cathode    # which
           substrate: aluminum
           slurry:
                 solvent:
                   # between
                   butyl
                   butyrate # c1
                 solids: 1e1 %
                 solvent_density: 1 g/cm3

                 # tail of slurry


           # not of slurry
           coating_weight_window: 26 .. 28 mg/cm2
           web_speed: 1 m/min
           zones:
           - 100 °C
           - 100 °C
           zone_window: 5 K
           length: 1 m
           tension: 1 N
           residual_solvent_max: 2%
       name: x
   - task:
       action: bag
       text: |   # literal
             one # is text
               two

             three
       # end of task
     consumes: a
     name: y
     produces: z
...
# the end
"""
NEAT = """# yaml-language-server: $schema=recipe.schema.json

# About the file.
# the beginning

# about the name
recipe: ugly
title: "Example: one"     # the title
                          # goes on
basis:  # packs
  - honda   # one
# open
laminate:  # laminate ends
  area: 16 cm2
  order:  # closed
    - aluminum  # two
    # alone
    - cathode
    # end
  layers:
    cathode:
      components:
        - {material: NCM622, role: active_material}
      porosity: 45 %
      coating_weight: 27.0 mg/cm2
      true_density: 3.56 g/cm3
  foils:
    aluminum: {material: aluminum, thickness: 15 um, density: 2.7 g/cm3}
steps:
  # dash
  # before the first key
  - name: x
    # coat it
    coat:
      # inside
      layer: cathode    # which
      substrate: aluminum
      slurry:
        # between
        solvent: butyl
          butyrate  # c1
        solids: 1e1 %
        solvent_density: 1 g/cm3

        # tail of slurry

      # not of slurry
      coating_weight_window: 26..28 mg/cm2
      web_speed: 1 m/min
      zones:
        - 100 degC
        - 100 degC
      zone_window: 5 K
      length: 1 m
      tension: 1 N
      residual_solvent_max: 2 %
    produces: a
  - name: y
    task:
      action: bag
      text: |   # literal
        one # is text
          two

        three
      # end of task
    consumes: a
    produces: z
# the end
"""


def test_an_untidy_file(tmp_path: Path) -> None:
    file = tmp_path / "ugly.yaml"
    file.write_text(UGLY, encoding="utf-8")
    assert formatted(file).after == NEAT


def test_a_key_that_moves_takes_its_own_comments_along() -> None:
    text = edited(
        ("    consumes: stack\n", ""),
        ("  - name: join\n", "  - consumes: stack    # of join\n    # the step joins\n    name: join\n"),
        ("      method: uniaxial\n", ""),
        (
            "      hold_limit: 2 min\n",
            "      hold_limit: 2 min\n      # as at home\n      method: uniaxial  # cold\n      # end of press\n",
        ),
    )
    after = laid_out(text)
    assert "    produces: stack\n  # the step joins\n  - name: join\n    role: join1\n" in after
    assert "    press:\n      # as at home\n      method: uniaxial  # cold\n      pressure: 90 MPa\n" in after
    assert "      hold_limit: 2 min\n      # end of press\n" in after
    assert "    consumes: stack    # of join\n    produces: joined" in after


def test_comments_keep_their_column_where_there_is_room() -> None:
    after = laid_out(
        edited(("pressure: 90 MPa\n", "pressure: 90MPa     # a\n"), ("dwell: 3 min\n", "dwell: 3 min # b\n"))
    )
    assert "      pressure: 90 MPa    # a\n" in after
    assert "      dwell: 3 min  # b\n" in after


def test_a_long_line_gets_a_line_for_each_key() -> None:
    long = "{material: aluminum, thickness: 15 um, density: 2.70 g/cm3}"
    name = "a" * (120 - len(f"    : {long}"))
    fits = edited(("    support_sheet: {", f"    {name}: {long}\n    support_sheet: {{"))
    assert laid_out(fits) == fits
    broken = laid_out(fits.replace(name, name + "a"))
    assert f"    {name}a:\n      material: aluminum\n      thickness: 15 um\n      density: 2.70 g/cm3\n" in broken


def test_texts_stay_as_they_are() -> None:
    text = edited(
        ("text: Mix the slurry.", "text: 'Mix  it''s  90MPa'"),
        ("title: Every key of a recipe", 'title: "tab\\tand é"'),
        ("text: Peel the support sheet off.", "text: >-\n        Peel\n        off."),
    )
    assert laid_out(text) == text


@pytest.mark.parametrize("dimension", list(Dimension), ids=lambda dimension: dimension.name)
def test_a_unit_with_two_spellings_gets_the_first_of_the_table(dimension: Dimension) -> None:
    units = dimension.value.units
    for unit, scale in units.items():
        first = next(name for name, other in units.items() if other == scale)
        assert quantity_text(f"3.50{unit}", dimension) == f"3.50 {first}"
        assert range_text(f"1 .. 2.0   {unit}", dimension) == f"1..2.0 {first}"
    assert quantity_text("12 °C", Dimension.TEMPERATURE) == "12 degC"
    assert quantity_text("12 µm", Dimension.THICKNESS) == "12 um"


@given(st.text("0123456789.+-eE °Cµmskg/%degC", max_size=14), st.sampled_from(list(Dimension)))
def test_any_quantity_keeps_its_value(text: str, dimension: Dimension) -> None:
    for parse, write in ((parse_quantity, quantity_text), (parse_range, range_text)):
        try:
            value = parse(text, dimension)
        except QuantityError:
            continue
        assert parse(write(text, dimension), dimension) == value


# --------------------------------------------------------------- any layout, with comments anywhere


def spans_of_texts(text: str) -> list[tuple[int, int]]:
    """First and last line of every text that has several lines."""

    def scalars(node: yaml.Node) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif isinstance(node, yaml.CollectionNode):
            for item in node.value:
                for one in item if isinstance(item, tuple) else (item,):
                    yield from scalars(one)

    top = yaml.compose(text)
    assert top is not None
    spans = [(node.start_mark.line, node.end_mark.line) for node in scalars(top)]
    return [(first, last) for first, last in spans if last > first]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.randoms(use_true_random=False))
def test_comments_anywhere_in_a_recipe_are_kept(tmp_path: Path, name: str, chance: random.Random) -> None:
    lines = TEXTS[name].splitlines()
    free = [True] * len(lines)
    for first, last in spans_of_texts(TEXTS[name]):
        free[first + 1 : last + 2] = [False] * len(free[first + 1 : last + 2])  # a comment in there would be text
    for number in range(chance.randint(1, 25)):
        place = chance.choice([place for place, is_free in enumerate(free) if is_free])
        match chance.randrange(4):
            case 0:
                lines.insert(place, " " * chance.randrange(12) + f"# comment {number}")
                free.insert(place, True)
            case 1:
                lines[place] += f"{' ' * chance.randint(1, 9)}#comment {number}  "
            case 2:
                lines.insert(place, " " * chance.randrange(3))
                free.insert(place, True)
            case 3:
                lines[place] += "   "
    text = "\n".join(lines) + "\n"
    after = laid_out(text)
    assert comments(after) == comments(text)
    assert content(after, tmp_path) == content(text, tmp_path)
    assert laid_out(after) == after
    assert all(line == line.rstrip() for line in after.splitlines())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.randoms(use_true_random=False))
def test_any_layout_becomes_the_canonical_one(tmp_path: Path, name: str, chance: random.Random) -> None:
    data = yaml.load(TEXTS[name], Loader=yaml.BaseLoader)  # noqa: S506  (builds nothing but texts)
    text = Untidy(chance).text(data)
    assert content(text, tmp_path) == content(TEXTS[name], tmp_path)
    after = laid_out(text)
    assert comments(after) == comments(text)
    assert content(after, tmp_path) == content(TEXTS[name], tmp_path)
    assert laid_out(after) == after
    assert list(yaml.load(after, Loader=yaml.BaseLoader)) == list(data)  # noqa: S506  (as above)


# --------------------------------------------------------------- the command


def test_a_file_is_written_in_one_move_with_its_mode_and_through_its_link(tmp_path: Path) -> None:
    file, link = tmp_path / "real" / "ugly.yaml", tmp_path / "link.yaml"
    file.parent.mkdir()
    file.write_text(UGLY, encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    inode = file.stat().st_ino
    result = pressline("fmt", link)
    assert (result.exit_code, result.output) == (0, f"{link}: formatted\n")
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == NEAT
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.stat().st_ino != inode  # another file took its place; nobody read a half of it
    assert [path.name for path in file.parent.iterdir()] == ["ugly.yaml"]
    assert pressline("fmt", link).output == ""


def test_check_writes_nothing_and_shows_what_would_change(tmp_path: Path) -> None:
    file = tmp_path / "ugly.yaml"
    file.write_text(UGLY, encoding="utf-8")
    result = pressline("fmt", "--check", file, EVERYTHING)
    assert result.exit_code == 1
    assert f"--- {file}\n+++ {file} (formatted)\n" in result.output
    assert "+      residual_solvent_max: 2 %\n" in result.output
    assert EVERYTHING.name not in result.output
    assert file.read_text(encoding="utf-8") == UGLY
    assert pressline("fmt", "--check", *FILES).exit_code == 0


def test_a_file_that_does_not_load_is_left_alone_and_the_others_are_formatted(tmp_path: Path) -> None:
    wrong, ugly = tmp_path / "wrong.yaml", tmp_path / "ugly.yaml"
    wrong.write_text(UGLY.replace("area: 16cm2", "area: 16"), encoding="utf-8")
    ugly.write_text(UGLY, encoding="utf-8")
    result = pressline("fmt", wrong, ugly, tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert f"{wrong}:20:11: 16 has no unit, in laminate.area: expected an area such as 16 cm2" in result.output
    assert f"{tmp_path / 'none.yaml'}:1:1: cannot read the file" in result.output
    assert wrong.read_text(encoding="utf-8") == UGLY.replace("area: 16cm2", "area: 16")
    assert ugly.read_text(encoding="utf-8") == NEAT


def test_line_ends_and_a_byte_order_mark_are_tidied_too(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + TEXTS["everything"].replace("\n", "\r\n").encode())
    result = pressline("fmt", "--check", file)
    assert result.exit_code == 1
    assert "only its line ends or its byte order mark would change" in result.output
    assert pressline("fmt", file).exit_code == 0
    assert file.read_bytes() == TEXTS["everything"].encode()


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (lambda text: text.replace("90 MPa", "91 MPa"), "would change what is made"),
        (lambda text: text.replace("# Every key", "Every key"), "could not be read again"),
        (lambda text: text.replace("# Every key that a recipe can have, each at least once; ", "# "), "lose a comment"),
        (lambda text: text + "\n" * next(MORE), "would change when it is formatted again"),
    ],
)
def test_a_layout_that_says_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, why: str
) -> None:
    text = TEXTS["everything"].replace("area: 16 cm2", "area: 16cm2")
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    right = laid_out
    monkeypatch.setattr(recipes.format, "laid_out", lambda text: fault(right(text)))
    with pytest.raises(LayoutRefused, match=why):
        formatted(file)
    result = pressline("fmt", file)
    assert result.exit_code == 2
    assert f"{file}: left as it is: its layout " in result.output
    assert file.read_text(encoding="utf-8") == text


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ugly.yaml"
    file.write_text(UGLY, encoding="utf-8")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = pressline("fmt", file)
    assert result.exit_code == 2
    assert f"{file}: cannot be written: No space left on device" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["ugly.yaml"]
    assert file.read_text(encoding="utf-8") == UGLY


# --------------------------------------------------------------- the documentation


HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "edit-recipes.md"


def masked(text: str) -> str:
    """Without the numbers of lines, which change with a comment in the library, and without hashes and times."""
    text = re.sub(r"(\.yaml):\d+:\d+", r"\1:0:0", text)
    text = re.sub(r"@@ .* @@", "@@", text)
    return re.sub(r"[\d.]+ min of line time; plan [0-9a-f]{64}", "plan", text)


def test_the_how_to_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = TEXTS["honda-example-1"]
    warmer = example
    window = "      pressure_window: 960.4..999.6 MPa\n"
    for old, new in (
        ("recipe: honda-example-1\n", ""),
        ("title: Example 1, densified at 980 MPa and 120 degC\n", "title: Warmer\nrecipe: warmer\n"),
        (f"      pressure: 980 MPa\n{window}", ""),
        ("temperature: 120 degC", "temperature: 130°C"),
        ("117..132 degC", "127 .. 142 °C"),
        (
            "      dwell: 5 min\n      ramp: 5 MPa/s\n",
            f"      pressure: 0.98GPa\n{window}      dwell: 300 s\n      ramp: 5 MPa/s\n",
        ),
    ):
        assert warmer.count(old) == 1, old
        warmer = warmer.replace(old, new)
    monkeypatch.chdir(tmp_path)
    wrong = example.replace("dwell: 5 min\n      ramp: 5 MPa/s", "dwell: 5\n      ramp: 5 MPa/s")
    for name, text in (("honda-example-1", example), ("warmer", warmer), ("wrong", wrong)):
        Path(f"{name}.yaml").write_text(text, encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    commands = [
        found for block in blocks for found in re.findall(r"^\$ pressline (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE)
    ]
    assert [command.split()[0] for command, _ in commands] == ["schema", "fmt", "fmt", "diff", "validate"]
    for command, output in commands:
        assert masked(output) == masked(pressline(*command.split()).output), command
    assert masked(pressline("plan", "warmer.yaml").output.splitlines()[-1]) == "plan"
    before = json.loads(pressline("plan", "warmer.yaml", "--json").output)["plan_hash"]
    Path("warmer.yaml").write_text(warmer, encoding="utf-8")
    assert json.loads(pressline("plan", "warmer.yaml", "--json").output)["plan_hash"] == before
