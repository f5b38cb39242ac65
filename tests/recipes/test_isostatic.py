"""The sequence of a warm isostatic pressing: what people do before and after it is checked when a recipe is planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.cli.recipes import capabilities
from recipes.findings import Finding
from recipes.isostatic import SEQUENCE, By, sequence_findings, undone_before
from recipes.load import RecipeErrors, load_recipe
from recipes.lots import ordered
from recipes.model import LeftOut, PressMethod, Step
from recipes.plan import Refused, make_plan
from tests.controller.recipes_for_tests import ALL, EXAMPLE, variant

LEAK_TEST = (
    "  - name: leak test\n    task:\n      action: leak_test\n"
    "      text: Leave the bag for two minutes. It stays tight on the assembly, or it is bagged again.   # our choice\n"
    "    consumes: bagged assembly\n    produces: tight bag\n\n"
)
WITHOUT_LEAK_TEST = ((LEAK_TEST, ""), ("consumes: tight bag", "consumes: bagged assembly"))
INSPECTION = "  - name: inspect densified assembly\n    inspect: {lot: densified assembly, measures: thickness}\n\n"
HOLD = "      on_hold: keep\n      hold_limit: 5 min\n"


def leaving(*parts: str) -> tuple[str, str]:
    """The densifying step with a reason for what it leaves out."""
    items = "".join(f"        - {{what: {part}, because: the press tells}}\n" for part in parts)
    return HOLD, f"{HOLD}      leaves_out:\n{items}"


def findings(file: Path) -> list[Finding]:
    """What the sequence check says of a file."""
    return list(sequence_findings(ordered(load_recipe(file).steps)))


def steps() -> tuple[Step, ...]:
    return ordered(load_recipe(EXAMPLE).steps)


def test_the_sequence_is_the_registers_documents_and_nothing_is_done_by_nobody() -> None:
    names = [part.name for part in SEQUENCE]
    assert names[:3] == ["bag", "leak test", "load"]
    assert names.index("soak") < names.index("pressurise") < names.index("dwell") < names.index("staged decompression")
    assert names.index("proven zero") < names.index("drain") < names.index("unlock") < names.index("unbag")
    assert names[-1] == "inspect for ingress"
    assert {part.by for part in SEQUENCE} == set(By)
    document = (Path(__file__).parents[2] / "docs/reference/machines/isostatic-press-generic.md").read_text("utf-8")
    phases = {word for part in SEQUENCE if part.by is By.MACHINE for word in part.proof.split(";")[0].split()[1:]}
    assert all(f" {phase} |" in document for phase in phases)
    signals = {
        word for part in SEQUENCE for word in part.proof.replace(",", " ").replace(";", " ").split() if "_" in word
    }
    known = {"leak_test", "unbag_and_dry", "nothing_loaded"}
    assert all(f"{signal} |" in document for signal in signals - known), signals


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_the_librarys_recipes_are_complete(file: Path) -> None:
    assert findings(file) == []


def test_a_leak_test_that_is_lacking_is_told_at_its_place(tmp_path: Path) -> None:
    file = variant(tmp_path / "r.yaml", *WITHOUT_LEAK_TEST)
    (found,) = findings(file)
    assert found.level == "advice"
    assert "densifying: the bag is not tested for leaks" in found.message
    assert "press.leaves_out (leak_test)" in found.message
    line = file.read_text("utf-8").splitlines().index("    consumes: bagged assembly") + 1
    assert found.location is not None
    assert found.location.line == line
    assert any("leak" in f.message for f in make_plan(load_recipe(file), capabilities(None)).findings)


def test_a_recipe_that_says_why_is_not_told(tmp_path: Path) -> None:
    file = variant(tmp_path / "r.yaml", *WITHOUT_LEAK_TEST, leaving("leak_test"))
    assert findings(file) == []
    press = next(step.press for step in load_recipe(file).steps if step.name == "densifying")
    assert press is not None
    assert press.leaves_out == (LeftOut("leak_test", "the press tells"),)


def test_an_unbagged_lot_that_nobody_looks_at_is_told(tmp_path: Path) -> None:
    file = variant(tmp_path / "r.yaml", (INSPECTION, ""))
    (found,) = findings(file)
    assert (found.level, "nobody looks at densified assembly" in found.message) == ("advice", True)
    assert findings(variant(tmp_path / "s.yaml", (INSPECTION, ""), leaving("inspect"))) == []


def in_its_bag() -> tuple[Step, ...]:
    """Example 1 up to its densifying: the product is still in its bag."""
    names = [step.name for step in steps()]
    return steps()[: names.index("densifying") + 1]


def test_a_lot_that_is_never_unbagged_is_refused_unless_the_recipe_says_why() -> None:
    (found,) = sequence_findings(in_its_bag())
    assert (found.level, "its lot is never taken out of the bag" in found.message) == ("refused", True)
    *before, last = in_its_bag()
    assert last.press is not None
    why = replace(last, press=replace(last.press, leaves_out=(LeftOut("unbag_and_dry", "it is cut open elsewhere"),)))
    assert list(sequence_findings([*before, why])) == []


def test_a_missing_bag_is_refused_whatever_the_reason(tmp_path: Path) -> None:
    recipe = variant(tmp_path / "r.yaml", ("action: bag", "action: stack\n      adds: copper"), leaving("leak_test"))
    with pytest.raises(Refused, match="the medium would wet it"):
        make_plan(load_recipe(recipe), capabilities(None))


def test_two_pressings_in_one_bag_are_one_sequence() -> None:
    names = [step.name for step in steps()]
    at = names.index("densifying")
    first = steps()[at]
    again = replace(first, name="again", consumes=("densified bag",), produces="twice pressed")
    others = [replace(s, consumes=("twice pressed",)) if s.name == "unbag and dry" else s for s in steps()]
    assert list(sequence_findings([*others[: at + 1], again, *others[at + 1 :]])) == []


def test_a_leak_test_is_of_a_bag(tmp_path: Path) -> None:
    peeling = "action: peel\n      text: Peel the support sheet off the solid"
    peeled = "      removes: support_sheet\n    consumes: first joined stack"
    testing = (peeling, peeling.replace("peel\n", "leak_test\n")), (peeled, "    consumes: first joined stack")
    recipe = variant(tmp_path / "r.yaml", *testing)
    with pytest.raises(Refused, match="first joined stack is not bagged, there is nothing to test for leaks"):
        make_plan(load_recipe(recipe), capabilities(None))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (leaving("bag"), "leaves_out"),
        ((HOLD, f"{HOLD}      leaves_out:\n        - {{what: leak_test}}\n"), "because"),
    ],
)
def test_what_cannot_be_left_out_is_an_error(change: tuple[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeErrors, match=words):
        load_recipe(variant(tmp_path / "r.yaml", change))


def test_a_reason_where_there_is_no_bag_is_told(tmp_path: Path) -> None:
    ramp = "      ramp: 10 MPa/s                       # ramps"
    file = variant(tmp_path / "r.yaml", (ramp, f"      leaves_out: [{{what: inspect, because: x}}]\n{ramp}"))
    (found,) = findings(file)
    assert (found.level, "first joining: leaves_out says nothing here" in found.message) == ("advice", True)


# ---------------------------------------------------------------------- before the press is loaded


def test_nothing_is_loaded_before_bag_and_leak_test_are_done() -> None:
    done = [step.name for step in steps()]
    assert undone_before(steps(), "densifying", done) == []
    for name in ("bag", "leak test"):
        others = [other for other in done if other != name]
        assert undone_before(steps(), "densifying", others) == [f"is not loaded: {name!r} comes first and is not done"]
    bare = [step for step in steps() if step.name not in ("bag", "leak test")]
    assert undone_before(bare, "densifying", done) == ["is not loaded: nothing was bagged for 'densifying'"]


def test_other_steps_need_no_bag() -> None:
    assert undone_before(steps(), "first joining", []) == []
    assert undone_before(steps(), "bag", []) == []
    assert undone_before(steps(), "no such step", []) == []
    assert all(s.press is None or s.press.method is PressMethod.UNIAXIAL or s.name == "densifying" for s in steps())
