"""`pressline rules`: the rules listed and in words, packs checked; and the how-to, done as it is written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from controller.cli.main import app
from recipes.rules.pack import read_pack
from recipes.rules.review import review
from tests.recipes.packs import DESCRIPTION, PACKS, ROOT, RULES, SHIPPED, row, written

HOW_TO = (ROOT / "docs" / "how-to" / "add-a-rule-pack.md").read_text(encoding="utf-8")


def pressline(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def test_rules_are_listed(tmp_path: Path) -> None:
    text = pressline("rules", "list").output
    assert all(f"\n {rule_id}" in text for rule_id in RULES)
    assert "Z175" not in pressline("rules", "list", "--pack", "honda").output
    data = json.loads(pressline("rules", "list", "--json").output)
    assert {rule["id"] for pack in data["packs"] for rule in pack["rules"]} == set(RULES)
    honda = next(pack for pack in data["packs"] if pack["pack"] == "honda")
    assert honda["sha256"] == SHIPPED["honda"].sha256
    assert honda["rules"][12]["lower"] == 60.0
    own = written(tmp_path, row())
    assert "size of thing is at most 5 um" in pressline("rules", "list", "--pack", own).output
    unknown = pressline("rules", "list", "--pack", "hondo", "--json")
    assert unknown.exit_code == 2
    assert "honda is nearest" in json.loads(unknown.output)["findings"][0]["message"]


def test_a_rule_is_said_in_words() -> None:
    result = pressline("rules", "show", "H009")
    assert result.exit_code == 0
    for part in (
        "pressure of the third joining is greater than the pressure of the first joining",
        "US 2025/0260067 A1 claim 4",
        "claim: refuses a production recipe unless it passes; holds a production run that breaks it",
        "at design, before the step, after the step",
        "measured, commanded; at design commanded; after the step measured",
        "the value is compared as it is",
        "always",
        "the recipe's pressing steps; then the press's own readings",
    ):
        assert part in result.output
    document = json.loads(pressline("rules", "show", "Z095", "--json").output)
    assert document["binding"] is True
    assert document["resolution"] == 0.01
    assert document["words"]["precision"] == "rounded to 0.01 um^-2, half to even"
    assert [pack["pack"] for pack in document["packs"]] == ["zeon-heat-resistant-layer"]


@pytest.mark.parametrize(
    ("rule_id", "part"),
    [
        (
            "Z119",
            "only if mole fraction of acidic in the particulate polymer is neither 0 nor empty; undetermined where",
        ),
        ("B184", "only if substituent of the group R2 of formula (1) is aryl"),
        ("Z203", "a setpoint has to be exactly this; what is found has to lie in the recipe's own window"),
        ("H013", "rounded to 1 degC, half to even; a setpoint is compared as it is"),
        ("Z166", "grade A: says that a value is in this class of the test; neither refuses nor advises"),
        ("Z166", "lab: {of: heat_resistant_layer, quantity: peel_strength}"),
        (
            "Z099",
            "the recipe declares it under facts, or an inspection asks the laboratory, as {of: particulate_polymer",
        ),
        ("H020", "more preferred: advice; what breaks it is told, nothing is refused or held"),
        ("H015", "afterwards a law's estimate only where a measurement corrected it or the recipe accepts it by name"),
        ("B185", "the groups R3 and R4 of formula (1): substituents is not both methyl"),
        ("B198", "is at least 1 and at most 1000 times the solids mass of the binder composition"),
        ("H001", "the line: step order is exactly join1, then join2, then densify, then join3"),
        ("H002", "cathode AM | SE"),
        ("H027", "rises strictly in the order intermediate < metal < se < cathode"),
        ("Z100", "the slurry for the heat-resistant layer contains non-conductive particles and binder of claim 1"),
        ("Z158", "the heat-resistant layer: substrate is separator"),
        ("Z136", "is one of alumina, boehmite, titania, barium sulfate; of several, each is"),
        ("Z180", "Z180, in zeon-negative-electrode and zeon-positive-electrode"),
    ],
)
def test_what_a_rule_says_of_itself(rule_id: str, part: str) -> None:
    assert part in pressline("rules", "show", rule_id).output


def test_an_unknown_rule_gives_the_nearest(tmp_path: Path) -> None:
    result = pressline("rules", "show", "h9")
    assert result.exit_code == 2
    assert "there is no rule 'h9' in the packs" in result.output
    assert "nearest are H009," in result.output
    assert "they run from B181" in pressline("rules", "show", "?").output
    assert pressline("rules", "show", "9" * 5000).exit_code == 2
    own = written(tmp_path, row())
    assert "claim 1" in pressline("rules", "show", "X1", "--pack", own).output
    assert "in the pack site: nearest are X1" in pressline("rules", "show", "X12", "--pack", own).output


def test_a_pack_is_checked(tmp_path: Path) -> None:
    good = pressline("rules", "check", written(tmp_path, row(id="H003")))
    assert good.exit_code == 0
    assert good.output.splitlines()[0].endswith("site.csv: 1 rule of doc, no mistake")
    assert "H003 is another rule of US 2025/0260067 A1 claim 1" in good.output
    bad = written(tmp_path, row(severity="clam"), None, "bad")
    result = pressline("rules", "check", bad)
    assert result.exit_code == 2
    assert f"{bad}:2:3: severity: 'clam' is none of" in result.output
    assert "'claim' is nearest" in result.output
    assert "has no description" in result.output
    document = json.loads(pressline("rules", "check", bad, "--json").output)
    assert document["state"] == "unusable"
    assert (document["findings"][1]["line"], document["findings"][1]["column"]) == (2, 3)
    usable = json.loads(pressline("rules", "check", PACKS / "zeon-negative-electrode.csv", "--json").output)
    assert (usable["state"], usable["rules"], usable["findings"]) == ("usable", 13, [])


def test_rules_commands_load_no_numerics() -> None:
    """The commands answer at once: reading a pack needs neither numpy nor a simulator."""
    code = "import sys; from controller.cli.main import app; app(['rules', 'show', 'H009'], standalone_mode=False)"
    code += "; print([name for name in ('numpy', 'simulators', 'pymodbus', 'weasyprint') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def odd(rows: str, directory: Path, description: str = DESCRIPTION) -> list[str]:
    return [
        str(finding).replace(f"{directory}/", "")
        for finding in review(read_pack(written(directory, rows, description)))
    ]


def test_what_is_odd_is_told_and_what_is_usual_is_not(tmp_path: Path) -> None:
    pressed = {"subject": "densify", "quantity": "pressure", "unit": "MPa", "evidence": "commanded;measured"}
    assert odd(row(**pressed), tmp_path) == []
    (unknown,) = odd(row(), tmp_path)
    assert unknown.startswith("site.csv:2:1: pressline makes no fact size of thing itself: recipes have to declare it")
    forever = odd(row(evidence="commanded;measured"), tmp_path)
    assert forever[0].endswith("and only commanded or measured facts count: it would stay undetermined for ever (X1)")
    assert "stage: design admits none of its evidence" in odd(row(stage="design;release", evidence="lab"), tmp_path)[1]
    assert "unit: is empty, which is right only for a count" in odd(row(unit=""), tmp_path)[1]
    assert "pressure of densify is in MPa in H005" in odd(row(**pressed | {"unit": ""}), tmp_path)[0]
    twice = row(relation="one_of", relative_to="a|a", unit="", upper="")
    assert "a text is there twice" in odd(twice, tmp_path)[1]
    spelled = odd(row(**pressed), tmp_path, f"{DESCRIPTION}subjects: {{densfy: x, densify: y}}\n")
    assert spelled == ["site.csv:2:1: subjects: no rule speaks of 'densfy', 'densify' is nearest (X1)"]
    named = [str(finding) for finding in review(replace(read_pack(tmp_path / "site.csv"), name="honda"))]
    assert "a shipped pack is called honda too" in named[0]


def block(kind: str, number: int) -> str:
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", HOW_TO, re.DOTALL)
    return found[number]


def test_the_how_to_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.csv").write_text(block("csv", 0), encoding="utf-8")
    Path("site.yaml").write_text(block("yaml", 0), encoding="utf-8")
    Path("slip.csv").write_text(block("csv", 0).replace("required", "require"), encoding="utf-8")
    Path("slip.yaml").write_text(block("yaml", 0), encoding="utf-8")
    for number in range(3):
        command, _, printed = block("console", number).partition("\n")
        assert pressline(*command.removeprefix("$ pressline ").split()).output == printed
    basis, _, told = block("yaml", 1).partition("\n")
    recipe = (ROOT / "recipes" / "library" / "honda-example-1.yaml").read_text(encoding="utf-8")
    assert recipe.count("basis: [honda]\n") == 1
    changed = recipe.replace("basis: [honda]\n", f"{basis}\n") + told
    Path("mine.yaml").write_text(changed, encoding="utf-8")
    validated = pressline("validate", "mine.yaml")
    assert validated.exit_code == 0, validated.output
    assert block("console", 3).strip() in validated.output
    stronger = changed.replace("pressure: 980 MPa", "pressure: 995 MPa").replace("960.4..999.6", "975..1015")
    Path("mine.yaml").write_text(stronger, encoding="utf-8")
    refused = pressline("validate", "mine.yaml")
    assert refused.exit_code == 1
    assert block("console", 4).strip() in refused.output
