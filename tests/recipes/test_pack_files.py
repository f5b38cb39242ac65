"""Reading a rule pack: whatever is wrong with its files is told with file, line and cell."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.facts import Evidence
from recipes.model import Location
from recipes.rules.engine import admitted
from recipes.rules.pack import COLUMNS, read_pack
from recipes.rules.rule import Stage, fact_name
from tests.recipes.packs import DESCRIPTION, HEADER, RULES, mistakes, row, told_of, written


def test_a_pack_is_read_with_its_description(tmp_path: Path) -> None:
    file = written(tmp_path, row(), "document: Procedure 12\ntitle: Ours\nabout: of the site\nsubjects:\n  thing: it\n")
    pack = read_pack(file)
    assert (pack.name, pack.document, pack.title, pack.about) == ("site", "Procedure 12", "Ours", "of the site")
    assert pack.subjects == {"thing": "it"}
    assert pack.sha256 == sha256(file.read_bytes() + file.with_suffix(".yaml").read_bytes()).hexdigest()
    (rule,) = pack
    assert rule.source == "Procedure 12 claim 1"
    assert rule.location == Location(file, 2, 1)
    assert pack.at(Stage.DESIGN) == (rule,)
    assert pack.at(Stage.RELEASE) == ()


def test_a_spreadsheets_byte_order_mark_line_ends_and_blank_rows_do_not_matter(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.write_bytes(("\ufeff" + f"{HEADER}\n\n{row()}\n\n".replace("\n", "\r\n")).encode())
    (rule,) = read_pack(file)
    assert rule.location == Location(file, 3, 1)


MISTAKES = [
    ({"id": ""}, 1, "id: is empty"),
    ({"id": "1X"}, 1, "id: '1X' is no id: expected a letter"),
    ({"id": "X 1"}, 1, "id: 'X 1' is no id"),
    ({"ref": " "}, 2, "ref: is empty"),
    ({"severity": "require"}, 3, "severity: 'require' is none of claim, required,"),
    ({"severity": "claim;required"}, 3, "severity: 'claim;required' is none of"),
    ({"stage": "design;later"}, 4, "stage: 'later' is none of design, before_step"),
    ({"stage": "design;"}, 4, "stage: '' is none of"),
    ({"stage": ""}, 4, "stage: is empty"),
    ({"evidence": "declared;declared"}, 5, "evidence: 'declared' is there twice"),
    ({"evidence": "lab"}, 5, "evidence: at design only declared, commanded, estimated facts exist"),
    ({"evidence": "lab;measured"}, 5, "so this rule could never be judged"),
    ({"relation": "near"}, 6, "relation: 'near' is none of range, ratio"),
    ({"subject": "a:b"}, 7, "subject: 'a:b' holds ':' or '='"),
    ({"quantity": "a=b"}, 8, "quantity: 'a=b' holds ':' or '='"),
    ({"unit": "ratio"}, 9, "unit: a ratio has the unit 'ratio', and nothing else has"),
    ({"relation": "ratio", "relative_to": "thing:width"}, 9, "unit: a ratio has the unit 'ratio'"),
    ({"relation": "greater_than", "relative_to": "a:b", "upper": "", "unit": ""}, 9, "unit: is empty, but numbers"),
    ({"relation": "order", "subject": "layers@x", "relative_to": "a<b", "upper": "", "unit": ""}, 9, "unit: is empty"),
    ({"relation": "equals", "relative_to": "40", "upper": "", "unit": ""}, 9, "unit: is empty, but a number"),
    ({"relation": "one_of", "relative_to": "a|b", "upper": ""}, 9, "unit: one_of compares texts, they have no unit"),
    ({"upper": ""}, 10, "lower: a range needs a lower or an upper bound"),
    ({"lower": "0x10"}, 10, "lower: '0x10' is no number"),
    ({"lower": "nan"}, 10, "lower: 'nan' is no number"),
    ({"lower": "1_0"}, 10, "lower: '1_0' is no number"),
    ({"lower": "1e999"}, 10, "lower: '1e999' is no number"),
    ({"lower": "1,5"}, 10, "lower: '1,5' is no number"),
    ({"relation": "not", "relative_to": "a", "unit": "", "upper": "", "lower": "1"}, 10, "lower: not has no bounds"),
    ({"lower_inclusive": "1"}, 11, "lower_inclusive: there is no lower bound"),
    ({"lower": "6"}, 12, "upper: is below the lower bound"),
    ({"lower": "5", "lower_inclusive": "0"}, 12, "upper: is the lower bound too"),
    ({"lower": "5", "upper_inclusive": "0"}, 12, "nothing is left"),
    ({"upper_inclusive": "no"}, 13, "upper_inclusive: expected 0 or 1, not 'no'"),
    ({"relative_to": "thing:width"}, 14, "relative_to: a range has nothing beside its bounds"),
    ({"relation": "less_than", "relative_to": "width", "upper": ""}, 14, "relative_to: expected the other fact as"),
    ({"relation": "less_than", "relative_to": "a:b:c", "upper": ""}, 14, "relative_to: expected the other fact as"),
    ({"relation": "ratio", "unit": "ratio"}, 14, "relative_to: expected the other fact as subject:quantity"),
    ({"relation": "less_than", "relative_to": "thing:size", "upper": ""}, 14, "this is the rule's own fact"),
    ({"relation": "not", "unit": "", "upper": ""}, 14, "relative_to: not needs something to compare with"),
    ({"relation": "sequence", "relative_to": "a<<b", "unit": "", "upper": ""}, 14, "nothing is written between"),
    ({"relation": "order", "relative_to": "a<b", "upper": ""}, 14, "relative_to: an order is of two layers or more"),
    ({"relation": "equals", "relative_to": "warm", "upper": ""}, 14, "'warm' is no number, but there is a unit"),
    ({"when": "thing.size"}, 15, "when: 'thing.size' cannot be read: expected subject:quantity"),
    ({"when": "thing:"}, 15, "when: 'thing:' cannot be read"),
    ({"when": ":size=a"}, 15, "when: ':size=a' cannot be read"),
    ({"when": "thing:size="}, 15, "when: 'thing:size=' cannot be read"),
    ({"resolution": "0"}, 16, "resolution: must be greater than 0"),
    ({"resolution": "-1"}, 16, "resolution: must be greater than 0"),
    ({"relation": "not", "relative_to": "a", "unit": "", "upper": "", "resolution": "1"}, 16, "they are not rounded"),
    ({"note": "x" * 1001}, 17, "note: is longer than 1000 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "column", "message"), MISTAKES)
def test_a_mistake_in_a_row_is_told_at_its_cell(
    tmp_path: Path, cells: dict[str, str], column: int, message: str
) -> None:
    told = mistakes(written(tmp_path, f"{row(id='X0')}\n{row(**cells)}"))
    assert [line for line in told if line.startswith(f"site.csv:3:{column}: ") and message in line], told


def test_all_mistakes_of_a_pack_are_told_together_in_its_order(tmp_path: Path) -> None:
    rows = [row(severity="x", upper="y"), row(id="X2", stage="z"), "X3,too short", row(id="X2")]
    told = mistakes(written(tmp_path, "\n".join(rows), "titel: no\n"))
    assert [line.split(": ")[0] for line in told] == [
        *("site.yaml:1:8", "site.yaml:1:1", "site.yaml:1:1"),
        *("site.csv:2:3", "site.csv:2:12", "site.csv:3:4", "site.csv:4:1", "site.csv:5:1"),
    ]
    assert told[0].endswith("unknown key 'titel': expected 'title'")
    assert told[-2].endswith("a row has 17 cells, this one has 2")
    assert told[-1].endswith("X2 is there twice, first in line 3")


def test_lines_are_right_behind_cells_that_span_lines(tmp_path: Path) -> None:
    spanning = row(ref="claim 1\nof two", lower="x", note="one\r\ntwo\nthree")
    assert mistakes(written(tmp_path, f"{spanning}\n{row(id='X2', upper='y')}")) == [
        "site.csv:3:10: lower: 'x' is no number",
        "site.csv:6:12: upper: 'y' is no number",
    ]
    two_lines = row(ref="a\nb")
    (rule, _) = read_pack(written(tmp_path, f"{two_lines}\n{row(id='X2')}"))
    assert rule.ref == "a b"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (row() + ",one more", "site.csv:2:1: id: a row has 17 cells, this one has 18"),
        (row(note='"') + '\nX2,"never closed', "site.csv:3:1: not CSV: unexpected end of data, in the row"),
        ('X1,"a"b', "site.csv:2:1: not CSV: "),
        ("", "site.csv:1:1: the pack has no rules"),
        (row(note="x" * 200_000), "site.csv:2:1: not CSV: field larger than field limit"),
        (row(note="a\0b"), "site.csv:2:67: the rule pack holds the control character U+0000"),
        (row(note="\x1b[2J"), "the rule pack holds the control character U+001B"),
        ("x" * 1_000_000, "site.csv:1:1: the rule pack is larger than 1000000 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_at_its_place(tmp_path: Path, rows: str, message: str) -> None:
    told = mistakes(written(tmp_path, rows))
    assert any(line.startswith(message) or message in line for line in told), told


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace(",when", ""), "; when is missing"),
        (HEADER.replace("when", "if"), "; when is missing; 'if' is not known"),
        (HEADER.replace("id,ref", "ref,id"), "; they are in another order"),
        (HEADER.replace(",", ";"), f"; {', '.join(COLUMNS)} are missing"),
        ("", "are missing"),
    ],
)
def test_the_columns_are_told(tmp_path: Path, header: str, message: str) -> None:
    file = written(tmp_path, "")
    file.write_text(f"{header}\n{row()}\n", encoding="utf-8")
    (told,) = mistakes(file)
    assert told.startswith(f"site.csv:1:1: the columns of a rule pack are {', '.join(COLUMNS)}; ")
    assert message in told


def test_bytes_that_are_not_utf_8_and_what_is_no_file(tmp_path: Path) -> None:
    file = written(tmp_path, row())
    file.write_bytes(file.read_bytes() + row(id="X2").encode() + "µm".encode("latin-1"))
    assert mistakes(file)[0].startswith("site.csv:3:")
    assert "byte 0xb5 is not UTF-8" in mistakes(file)[0]
    assert mistakes(tmp_path)[0].endswith(":1:1: cannot read the rule pack: this is no file")
    assert mistakes(tmp_path / "none.csv") == ["none.csv:1:1: cannot read the rule pack: No such file or directory"]
    assert "cannot read the rule pack" in mistakes(tmp_path / "a\0b.csv")[0]
    assert "cannot read the rule pack" in mistakes(tmp_path / f"{'x' * 300}.csv")[0]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (None, "site.yaml:1:1: site.csv has no description: write site.yaml beside it with two lines, `document: "),
        ("", "site.yaml:1:1: the file is empty"),
        ("- a\n", "site.yaml:1:1: this is no mapping: expected document, title, about, subjects"),
        ("document: doc\n", "site.yaml:1:1: 'title' is missing: expected one line for people"),
        (f"{DESCRIPTION}subject: {{}}\n", "site.yaml:3:10: unknown key 'subject': expected 'subjects'"),
        (f"{DESCRIPTION}title: again\n", "site.yaml:3:1: 'title' is written twice, first in line 2"),
        ("document:\ntitle: a\n", "site.yaml:1:10: document: nothing is written"),
        ("document: [a]\ntitle: a\n", "site.yaml:1:11: document: anchors, tags and lists are not used here"),
        ("document: &a b\ntitle: *a\n", "site.yaml:1:11: document: anchors, tags and lists are not used here"),
        ("document: !x b\n", "site.yaml:1:11: document: anchors, tags and lists are not used here"),
        (f"{DESCRIPTION}subjects: words\n", "site.yaml:3:11: subjects: expected a mapping from a rule's subject"),
        (f"{DESCRIPTION}subjects: {{a: {{b: c}}}}\n", "site.yaml:3:15: subjects.a: anchors, tags and lists"),
        (f"{DESCRIPTION}---\na: b\n", "expected one document only"),
        ("document: 'open\n", "not YAML: "),
        ("a: b: c\n", "site.yaml:1:5: not YAML: mapping values are not allowed in this context"),
        ("[" * 50_000, "site.yaml:1:1: this is no mapping"),
        (f"{DESCRIPTION}about: a\tb\x07\n", "site.yaml:3:11: the description of a rule pack holds the control"),
        ("x" * 1_000_001, "the description of a rule pack is larger than 1000000 bytes"),
    ],
)  # fmt: skip
def test_a_description_is_read_with_its_mistakes(tmp_path: Path, description: str | None, message: str) -> None:
    told = mistakes(written(tmp_path, row(), description))
    assert any(message in line for line in told), told


def test_one_quantity_has_units_of_one_dimension(tmp_path: Path) -> None:
    same = row(id="X2", unit="mm", when="thing:size")
    assert mistakes(written(tmp_path, f"{row()}\n{same}")) == []
    other = row(id="X2", unit="MPa")
    assert mistakes(written(tmp_path, f"{row()}\n{other}")) == [
        "site.csv:3:1: unit: size of thing is in um in X1, here in MPa: no fact could be both"
    ]
    text = row(id="X2", relation="one_of", relative_to="a", unit="", upper="")
    assert "size of thing is in um in X1, here a text" in mistakes(written(tmp_path, f"{row()}\n{text}"))[0]
    compared = row(id="X2", relation="less_than", quantity="width", relative_to="thing:size", unit="s", upper="")
    assert "size of thing is in um in X1, here in s" in mistakes(written(tmp_path, f"{row()}\n{compared}"))[0]
    ratio = row(id="X2", relation="ratio", relative_to="thing:width", unit="ratio")
    assert mistakes(written(tmp_path, f"{row()}\n{ratio}")) == []


def test_a_number_may_have_no_unit_and_a_name_may_hold_dots(tmp_path: Path) -> None:
    count = row(subject="formula(1).R2", quantity="carbon_atoms", unit="", when="formula(1).R2:substituent=a=b")
    share = row(id="X2", quantity="mole_fraction.cyano", unit="-", upper="0.07")
    first, second = read_pack(written(tmp_path, f"{count}\n{share}"))
    assert first.condition == ("formula(1).R2", "substituent", "a=b")
    assert (first.bound_words, second.bound_words) == ("at most 5", "at most 0.07")
    assert fact_name("a.b.c:d.e") == ("a.b.c", "d.e")
    assert fact_name("cathode_layer@laminate.porosity") == ("cathode_layer@laminate", "porosity")
    assert not all(fact_name("porosity"))


def test_impossible_evidence_is_what_the_engine_never_admits(tmp_path: Path) -> None:
    stages = [{s} for s in Stage] + [{Stage.DESIGN, s} for s in Stage] + [set(Stage)]
    kinds = [set(k) for n in range(1, len(Evidence) + 1) for k in itertools.combinations(Evidence, n)]
    for chosen, evidence in itertools.product(stages, kinds):
        text = f"{HEADER}\n{row(stage=';'.join(chosen), evidence=';'.join(evidence))}\n"
        rule = replace(RULES["H003"], stages=frozenset(chosen), evidence=frozenset(evidence))
        possible = any(admitted(rule, stage) for stage in chosen)
        assert bool(told_of(text)) is not possible, (chosen, evidence)


@given(st.text(max_size=300) | st.lists(st.text(max_size=20), min_size=17, max_size=17).map(",".join))
def test_no_text_whatever_gives_anything_but_located_errors(text: str) -> None:
    assert all(re.match(r"site\.csv:\d+:\d+: ", line) for line in told_of(f"{HEADER}\n{text}\n"))


@given(st.binary(max_size=200))
def test_no_bytes_whatever_give_anything_but_located_errors(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    directory = tmp_path_factory.getbasetemp()
    file = written(directory, row(), name="bytes")
    for path in (file, file.with_suffix(".yaml")):
        path.write_bytes(data)
        told = mistakes(file)
        assert all(re.match(r"bytes\.(csv|yaml):\d+:\d+: ", line) for line in told)
