"""The shipped rule packs: their rules, where their facts come from, packs together, and the published schema."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from recipes.declared import recipe_facts
from recipes.facts import Evidence, Fact, FactBook
from recipes.findings import RecipeErrors
from recipes.load import library_recipes, load_recipe
from recipes.lots import contents, ordered
from recipes.model import Location
from recipes.rules.description import KEYS
from recipes.rules.engine import Verdict, judge
from recipes.rules.origins import Maker, facts_asked, load_origins, origin
from recipes.rules.pack import COLUMNS, Pack, load_pack, load_packs, shipped_packs
from recipes.rules.rule import LISTED, Relation, Severity, Stage
from recipes.rules.table import DIFFERENCES
from recipes.rules.words import subject_words
from tests.recipes.library import COMPARATIVES, EXAMPLES, planned
from tests.recipes.materials.honda import ROWS
from tests.recipes.packs import HEADER, PACKS, RULES, SHIPPED, row, told_of, written

SCHEMA: dict[str, Any] = json.loads((PACKS / "pack.schema.json").read_text(encoding="utf-8"))


def ids(letter: str, first: int, last: int) -> list[str]:
    return [f"{letter}{number:03}" for number in range(first, last + 1)]


def test_the_five_packs_have_the_224_rules_of_their_sources() -> None:
    expected = {
        "honda": ids("H", 1, 92),
        "zeon-heat-resistant-layer": [*ids("Z", 93, 174), *ids("Z", 202, 205)],
        "zeon-negative-electrode": ["Z175", "Z177", "Z178", "Z180", *ids("Z", 206, 214)],
        "zeon-positive-electrode": ["Z176", "Z179", "Z180", *ids("Z", 215, 224)],
        "binder-claims": ids("B", 181, 201),
    }
    assert {name: [rule.id for rule in SHIPPED[name]] for name in expected} == expected
    all_ids = {rule_id for listed in expected.values() for rule_id in listed}
    assert len(all_ids) == 224
    assert all_ids == {*ids("H", 1, 92), *ids("Z", 93, 180), *ids("B", 181, 201), *ids("Z", 202, 224)}
    claims = {rule_id for rule_id in all_ids if RULES[rule_id].severity is Severity.CLAIM}
    assert claims == {*ids("H", 1, 17), "Z093", "Z094", "Z097", *ids("Z", 98, 103), *ids("B", 181, 201)}
    required = {rule_id for rule_id in all_ids if RULES[rule_id].severity is Severity.REQUIRED}
    assert required == {"Z095", "Z096", "Z104", "Z105", "Z109"}


@pytest.mark.parametrize(
    ("rule_id", "bound", "unit", "source"),
    [
        ("H003", "at most 5 %", "%", "US 2025/0260067 A1 claim 1"),
        ("H011", "at least 77 %", "%", "US 2025/0260067 A1 claim 5"),
        ("H015", "less than 1 GPa", "GPa", "US 2025/0260067 A1 claim 8"),
        ("Z093", "more than 0.5", "-", "US 12,394,827 B2 claim 1"),
        ("Z094", "at most 0.07", "-", "US 12,394,827 B2 claim 1"),
        ("Z095", "at least 0.4 um^-2", "um^-2", "US 12,394,827 B2 abstract; S(13); D(46)"),
        ("Z097", "at most 0.3 um", "um", "US 12,394,827 B2 claim 2; S(17)"),
        ("Z098", "at least 0.02", "-", "US 12,394,827 B2 claim 2; S(17)"),
        ("Z099", "at most 8 x", "x", "US 12,394,827 B2 claim 3; S(20)"),
        ("Z101", "at most 0.7 um", "um", "US 12,394,827 B2 claim 5; S(23)"),
        ("Z104", "at least 90 mass%", "mass%", "US 12,394,827 B2 D(9)"),
        ("Z105", "less than 1 mass%", "mass%", "US 12,394,827 B2 D(60)"),
        ("Z109", "more than 0", "-", "US 12,394,827 B2 D(13)"),
        ("Z116", "more than 0.5 and less than 0.98", "-", "US 12,394,827 B2 D(21)"),
        ("Z167", "at least 30 and less than 50 N/m", "N/m", "US 12,394,827 B2 D(132)"),
        ("Z177", "at least 2500 and at most 3500 mPa.s", "mPa.s", "US 12,394,827 B2 D(146)"),
        ("Z204", "180 s", "s", "US 12,394,827 B2 D(143)"),
        ("Z211", "11 t", "t", "US 12,394,827 B2 D(148)"),
        ("B182", "at least 1 and at most 4", "", "US application 10/030,086 claim 1"),
        ("B184", "at least 6 and at most 30", "", "US application 10/030,086 claim 1"),
        ("B186", "at least 1 and at most 50", "", "US application 10/030,086 claim 1"),
        ("B187", "at least 0.1 and at most 100 wt%", "wt%", "US application 10/030,086 claim 2"),
        ("B193", "at least 0.2 and at most 80 wt%", "wt%", "US application 10/030,086 claim 4"),
        ("B194", "at least 80 and at most 350 degC", "degC", "US application 10/030,086 claim 5"),
        ("B195", "at least 50 and at most 100 %", "%", "US application 10/030,086 claim 6"),
        ("B198", "at least 1 and at most 1000", "ratio", "US application 10/030,086 claim 8"),
        ("B200", "at least 0.005 and at most 5 mm", "mm", "US application 10/030,086 claim 10"),
        ("B185", "both methyl", "", "US application 10/030,086 claim 1"),
        ("H009", "pressure of join1", "MPa", "US 2025/0260067 A1 claim 4"),
    ],
)
def test_bounds_are_those_of_the_documents(rule_id: str, bound: str, unit: str, source: str) -> None:
    rule = RULES[rule_id]
    assert (rule.bound_words, rule.unit, rule.source) == (bound, unit, source)


def test_texts_are_those_that_the_facts_are_told_in() -> None:
    texts = {
        "Z096": ("cyano group-containing unit", "hydroxyl group-containing unit"),
        "Z100": ("non-conductive particles", "binder of claim 1"),
        "Z102": ("slurry of claim 4",),
        "Z111": ("NMA", "b-HEA", "HEMA", "N-hydroxyethylacrylamide"),
        "Z138": ("alumina", "barium sulfate"),
        "Z160": ("apply slurry then dry",),
        "B181": ("formula (1) units", "dispersed in a liquid medium"),
        "B197": ("binder composition of claims 1 to 6", "active material"),
        "B199": ("coat", "dry"),
        "B201": ("electrode of claim 9 or 10",),
    }
    assert {rule_id: RULES[rule_id].listed for rule_id in texts} == texts
    assert RULES["B198"].other == ("binder_composition", "solids_mass")
    assert RULES["Z148"].other == ("hrl_slurry", "content.water_soluble_polymer")


def test_rules_for_what_is_optional_have_a_condition() -> None:
    conditions = {rule_id: rule.condition for rule_id, rule in RULES.items() if rule.when}
    polymer = {i: ("particulate_polymer", f"mole_fraction.{group}", None) for i, group in (
        ("Z119", "acidic"), ("Z120", "acid_amide"), ("Z121", "acid_amide"), ("Z122", "crosslinkable"),
        ("Z123", "aromatic_vinyl"),
    )}  # fmt: skip
    slurry = {
        **dict.fromkeys(["Z105", "Z148", "Z149", "Z150"], "water_soluble_polymer"),
        **dict.fromkeys(["Z151", "Z152", "Z153"], "wetting_agent"),
        **dict.fromkeys(["Z154", "Z155", "Z156"], "dispersant"),
    }
    assert conditions == {
        **polymer,
        **{rule_id: ("hrl_slurry", f"content.{role}", None) for rule_id, role in slurry.items()},
        **dict.fromkeys(["Z139", "Z140"], ("nonconductive_organic_particle", "material", None)),
        "Z103": ("product", "goes_into", "secondary battery"),
        "B201": ("product", "goes_into", "lithium ion battery"),
        "B182": ("formula(1).R1", "substituent", "alkyl"),
        "B183": ("formula(1).R2", "substituent", "alkyl"),
        "B184": ("formula(1).R2", "substituent", "aryl"),
        "B191": ("binder_polymer", "mass_fraction.(meth)acrylate_formula(3)_units", None),
        "B192": ("binder_polymer", "mass_fraction.polar_monomer_units", None),
    }


def test_the_example_of_a_source_passes_at_the_precision_that_it_prints() -> None:
    rounded = {i: rule for i, rule in RULES.items() if rule.resolution and i[0] != "H"}
    assert {i for i, rule in rounded.items() if rule.resolution == 0.01} == {"Z095", "Z124"}
    fractions = {i for i, rule in rounded.items() if rule.quantity.startswith("mole_fraction")}
    assert set(rounded) == {"Z095", "Z124"} | fractions
    assert all(not rounded[i].severity.binding and rounded[i].resolution == 0.001 for i in fractions)
    book = FactBook()
    book.add([Fact("particulate_polymer", "M_OH/S", 0.396, "um^-2", Evidence.DECLARED, "Example 2")])
    assert judge(RULES["Z095"], book, Stage.DESIGN).verdict is Verdict.PASS
    assert judge(RULES["Z124"], book, Stage.DESIGN).verdict is Verdict.FAIL


def test_every_shipped_pack_says_where_it_comes_from() -> None:
    for name, pack in SHIPPED.items():
        files = (PACKS / f"{name}.csv").read_bytes() + (PACKS / f"{name}.yaml").read_bytes()
        assert pack.sha256 == sha256(files).hexdigest()
        assert pack.title
        assert pack.about
        assert all(rule.source == f"{pack.document} {rule.ref}" for rule in pack)
        spoken_of = {
            part.partition("@")[0] for rule in pack for part in (rule.subject, *(a[0] for a in facts_asked(rule)))
        }
        roles = {rule.role for rule in pack}
        assert spoken_of <= set(pack.subjects) <= spoken_of | roles
    shared = [rule for rule in SHIPPED["zeon-negative-electrode"] if rule in SHIPPED["zeon-positive-electrode"].rules]
    assert [rule.id for rule in shared] == ["Z180"]


def test_roles_are_the_steps_that_subjects_name() -> None:
    assert {RULES[f"H{number:03}"].role for number in (5, 8, 9, 11, 43, 3)} == {"densify", "join2", "join3", "join1"}
    assert RULES["H020"].role is None
    site = replace(RULES["H003"], subject="anode_layer@after_join4")
    assert site.role == "join4"
    assert RULES["Z175"].role == "neg_coating"


def test_severities_and_their_consequences() -> None:
    assert [severity for severity in Severity if severity.binding] == [Severity.CLAIM, Severity.REQUIRED]
    assert [severity for severity in Severity if severity.grade] == list(Severity)[-3:]
    assert {RULES[i].example_value for i in ("Z202", "Z222", "Z158", "Z093")} == {40.0, 3.4, None}


def test_subjects_are_said_in_the_packs_words_and_by_a_recipes_names() -> None:
    subjects = {"join3": "the third joining", "foil": "the foil", "foil@laminate": "the pressed foil"}
    assert subject_words("foil@after_join3", {}, subjects) == "the foil after the third joining"
    assert subject_words("foil@after_join3", {"join3": "last joining"}, subjects) == "the foil after last joining"
    assert subject_words("foil@laminate", {}, subjects) == "the pressed foil"
    assert subject_words("se_layer@join1", {}) == "solid electrolyte layer by join1"


def test_the_law_differs_from_the_document_only_where_the_page_says_so() -> None:
    found = set()
    for name, printed in zip((*EXAMPLES, *COMPARATIVES), ROWS, strict=True):
        by_law = {judgement.rule_id: judgement for judgement in planned(name).judgements}
        book = FactBook()
        book.add(printed_facts(printed.rates, printed.final))
        for rule in SHIPPED["honda"].at(Stage.DESIGN):
            document, law = judge(rule, book, Stage.DESIGN), by_law.get(rule.id)
            if law is None or "porosity" not in rule.quantity or document.verdict is Verdict.UNDETERMINED:
                continue
            if document.verdict is not law.verdict:
                assert not rule.severity.binding
                found.add((rule.id, printed.name, f"{document.value:.3g}", f"{law.value:.3g}"))
    assert found == {(d.rule_id, d.example, f"{d.printed:.3g}", f"{d.law:.3g}") for d in DIFFERENCES}


def printed_facts(rates: Any, final: Any) -> Iterator[Fact]:
    subjects = {"cathode": "cathode_layer", "solid_electrolyte": "se_layer", "intermediate": "intermediate_layer"}
    for (step, layer), rate in rates.items():
        role = ("join1", "join2", "densify")[step - 1]
        yield Fact(f"{subjects[layer]}@{role}", "porosity_decrease_rate", rate, "%", Evidence.ESTIMATED, "Table 2")
    for (layer, value), place in itertools.product(final.items(), ("after_densify", "after_join3", "laminate")):
        yield Fact(f"{subjects[layer]}@{place}", "porosity", value, "%", Evidence.ESTIMATED, "Table 3")


def test_every_rule_says_where_its_facts_come_from_and_no_line_of_the_table_is_idle() -> None:
    asked = {fact for rule in RULES.values() for fact in facts_asked(rule)}
    assert [fact for fact in sorted(asked) if origin(*fact) is None] == []
    used = {origin(*fact) for fact in asked}
    assert [row for row in load_origins() if row not in used] == []
    assert origin("particulate_polymer", "colour") is None


def test_only_a_laboratory_or_the_recipe_decides_what_the_line_cannot_know() -> None:
    elsewhere = {rule.id for rule in RULES.values() if not all(is_made_here(*fact) for fact in facts_asked(rule))}
    moduli = {"H027", *ids("H", 29, 34)}
    tests = {"H092", *ids("Z", 166, 174)}
    material = {"Z099", *ids("Z", 129, 134), "Z104", "Z105", "Z139", "Z140", "B195", "B196"}
    assert elsewhere == moduli | tests | material
    for rule_id in elsewhere:
        assert Evidence.LAB in RULES[rule_id].evidence


def test_recipes_make_the_facts_that_the_table_says_they_make() -> None:
    made: set[tuple[str, str]] = set()
    for recipe in map(load_recipe, library_recipes()):
        steps = ordered(recipe.steps)
        facts = recipe_facts(replace(recipe, facts=()), steps, contents(recipe, steps))
        made |= {(fact.subject, fact.quantity) for fact in facts}
    asked = {fact: found for rule in RULES.values() for fact in facts_asked(rule) if (found := origin(*fact))}
    lacking = {fact for fact, found in asked.items() if found.made is Maker.RECIPE} - made
    assert lacking == {("cathode_active_material", "mean_particle_size")}  # US 2025/0260067 A1 does not print it
    assert {fact for fact, found in asked.items() if not found.is_made_here} & made == set()


def is_made_here(subject: str, quantity: str) -> bool:
    found = origin(subject, quantity)
    return found is not None and found.is_made_here


def test_a_recipe_names_shipped_packs_and_files_beside_it(tmp_path: Path) -> None:
    written(tmp_path, row())
    (tmp_path / "deep").mkdir()
    written(tmp_path / "deep", row(id="X2", quantity="width"), name="other")
    packs = load_packs(["honda", "site.csv", "./deep/other.csv"], tmp_path)
    assert [(pack.name, len(pack.rules)) for pack in packs] == [("honda", 92), ("site", 1), ("other", 1)]
    assert load_packs([], tmp_path) == ()


def test_all_shipped_packs_go_together_and_a_shared_rule_is_kept_once() -> None:
    packs = {pack.name: pack for pack in load_packs(shipped_packs(), Path())}
    assert sum(len(pack.rules) for pack in packs.values()) == 224
    assert RULES["Z180"] in packs["zeon-negative-electrode"].rules
    assert RULES["Z180"] not in packs["zeon-positive-electrode"].rules
    assert packs["zeon-positive-electrode"].sha256 == SHIPPED["zeon-positive-electrode"].sha256


def faults(basis: list[str], directory: Path) -> list[str]:
    with pytest.raises(RecipeErrors) as errors:
        load_packs(basis, directory, Location(Path("recipe.yaml"), 7, 8))
    return [str(finding).replace(f"{directory}/", "") for finding in errors.value.findings]


def test_packs_that_cannot_be_had_or_contradict_each_other_are_told(tmp_path: Path) -> None:
    written(tmp_path, row(id="H003"))
    written(tmp_path, row(id="X2", subject="densify", quantity="pressure", unit="s"), name="odd")
    (message,) = faults(["hondo"], tmp_path)
    assert message.startswith(
        "recipe.yaml:7:8: cannot read the rule pack 'hondo': shipped are binder-claims, honda, zeon-"
    )
    assert "; honda is nearest; " in message
    assert faults(["honda", "honda"], tmp_path) == ["recipe.yaml:7:8: the rule pack 'honda' is there twice, as honda"]
    assert faults(["site.csv", "./site.csv"], tmp_path)[0].endswith(
        "the rule pack './site.csv' is there twice, as site"
    )
    assert faults(["none.csv", "../x"], tmp_path)[0].startswith("none.csv:1:1: cannot read the rule pack")
    assert faults(["honda", "site.csv"], tmp_path) == [
        "site.csv:2:1: id: H003 is another rule in the pack honda (H003)"
    ]
    assert faults(["honda", "odd.csv"], tmp_path) == [
        "odd.csv:2:1: unit: pressure of densify is in MPa in H005, here in s: no fact could be both"
    ]
    for name in ("honda.csv", "../packs/honda", "", "honda\0"):
        with pytest.raises(RecipeErrors):
            load_pack(name)


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((PACKS / f"{name}.csv").read_text(encoding="utf-8").splitlines(), strict=True))


@pytest.mark.parametrize("name", shipped_packs())
def test_every_shipped_row_and_description_is_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for cells in rows_of(name):
        validator.validate(cells)
    validator.validate(yaml.safe_load((PACKS / f"{name}.yaml").read_text(encoding="utf-8")))


def test_the_schema_knows_what_the_reader_knows() -> None:
    definitions = SCHEMA["$defs"]
    assert tuple(definitions["row"]["required"]) == COLUMNS == tuple(definitions["row"]["properties"])
    for name, kind in (("severity", Severity), ("stage", Stage), ("evidence", Evidence), ("relation", Relation)):
        assert definitions[name]["enum"] == [str(member) for member in kind]
    for name, kind in (("stage", Stage), ("evidence", Evidence)):
        assert set(re.findall(r"\w+", definitions["row"]["properties"][name]["pattern"])) == {str(m) for m in kind}
    assert list(definitions["description"]["properties"]) == list(KEYS)


EXAMPLES_OF_RELATIONS = {
    "range": {},
    "ratio": {"unit": "ratio", "relative_to": "a:b"},
    **{name: {"relative_to": "a.b:c", "upper": ""} for name in ("greater_than", "less_than", "less_or_equal")},
    "order": {"relative_to": "a<b", "subject": "layers@x", "upper": ""},
    **{
        str(name): {"relative_to": f"a{mark}b", "unit": "", "upper": ""}
        for name, mark in LISTED.items()
        if name != "order"
    },
}
VALUES = ["", "0", "1", "5", "-5", "0.01", "1e-3", "x", "ratio", "-", "um", "a:b", "a.b", "a:b=c", "a=b", "a<b", "a|b",
          "a||b", "design", "design;release", "lab", "declared", "commanded;lab", "claim", "grade_A", "range", "not",
          "equals", "sequence", "z" * 1001]  # fmt: skip
NOT_IN_A_SCHEMA = ("is below the lower bound", "is the lower bound too", "this is the rule's own fact")


@pytest.mark.parametrize("relation", EXAMPLES_OF_RELATIONS)
def test_the_schema_accepts_the_rows_that_can_be_read_and_no_other(relation: str) -> None:
    assert set(EXAMPLES_OF_RELATIONS) == {str(member) for member in Relation}
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for column, value in itertools.product(COLUMNS, VALUES):
        cells = {"relation": relation, **EXAMPLES_OF_RELATIONS[relation], column: value}
        text = f"{HEADER}\n{row(**cells)}\n"
        (read,) = csv.DictReader(text.splitlines())
        told = "; ".join(told_of(text))
        if not any(words in told for words in NOT_IN_A_SCHEMA):
            assert validator.is_valid(read) is (told == ""), (column, value, told)


def test_a_pack_can_be_built_of_rules_alone() -> None:
    pack = Pack("one", "doc", (RULES["H003"],))
    assert (list(pack), pack.sha256, dict(pack.subjects)) == ([RULES["H003"]], "", {})
