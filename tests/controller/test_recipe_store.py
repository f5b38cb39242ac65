"""Stored recipes: what comes back is what was added, and what is run is what was approved."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from controller.cli.recipes import capabilities, planned
from controller.store.errors import ApprovalRefused, NotApproved, WordsUnusable
from controller.store.recipes import RecipeStore, approved_plan, read_shelf
from controller.store.words import Reference, person, reference, same_person
from recipes.plan import Refused
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, variant
from tests.controller.stored_for_tests import (
    FIRST,
    NAME,
    OTHER,
    SHIPPED,
    UNITS,
    added,
    approved,
    clock,
    pack,
    pressline,
    renamed_line,
    rows,
    soaked,
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


# ---------------------------------------------------------------------- versions


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text + b"\n\n#  trailing \xc3\xbc \t \n",
        lambda text: text.rstrip(b"\n"),
    ],
    ids=["as it is", "byte order mark", "carriage returns", "blanks", "no last newline"],
)
def test_a_text_comes_back_byte_for_byte(tmp_path: Path, store: Path, change: Callable[[bytes], bytes]) -> None:
    content = change(EXAMPLE.read_bytes())
    file, output = tmp_path / "r.yaml", tmp_path / "out" / "back.yaml"
    file.write_bytes(content)
    result = pressline("recipes", "add", file, "--by", "A. Author", "--store", store)
    assert result.exit_code == 0, result.output
    assert hashlib.sha256(content).hexdigest() in result.output
    file.unlink()
    assert pressline("recipes", "show", NAME, "--text", "--store", store).stdout_bytes == content
    shown = pressline("recipes", "show", NAME, "--text", "--json", "--store", store)
    assert json.loads(shown.output)["content"].encode() == content
    assert pressline("recipes", "export", NAME, "--output", output, "--store", store).exit_code == 0
    assert output.read_bytes() == content


def test_versions_are_counted_by_recipe_and_the_same_bytes_are_no_new_version(tmp_path: Path, store: Path) -> None:
    other = soaked(tmp_path / "other.yaml", 4)
    recipes = RecipeStore(store, clock())
    results = [recipes.add(file, "A", "", SHIPPED, UNITS) for file in (EXAMPLE, EXAMPLE, other, other, EXAMPLE)]
    assert [(result.version.number, result.new) for result in results] == [
        (1, True),
        (1, False),
        (2, True),
        (2, False),
        (3, True),
    ]
    assert str(added(store, OTHER)) == "honda-example-2@1"
    assert [version.number for version in read_shelf(store).versions(NAME)] == [1, 2, 3]
    again = pressline("recipes", "add", EXAMPLE, "--by", "Z", "--store", store)
    assert (again.exit_code, again.output) == (0, "honda-example-1@3 has these very bytes already; nothing was added\n")
    assert (
        json.loads(pressline("recipes", "add", EXAMPLE, "--by", "Z", "--json", "--store", store).output)["added"]
        is False
    )


def test_the_hashes_are_of_the_text_of_what_it_means_and_of_the_plan(tmp_path: Path, store: Path) -> None:
    remark = tmp_path / "remark.yaml"
    remark.write_bytes(EXAMPLE.read_bytes() + b"# a remark\n")
    version, same, other = (added(store, file) for file in (EXAMPLE, remark, soaked(tmp_path / "other.yaml", 4)))
    assert version.text_sha256 == hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
    assert version.bytes == len(EXAMPLE.read_bytes())
    plan = planned(EXAMPLE, None)
    assert version.plan_hash == plan.hash
    assert (same.content_sha256, same.plan_hash) == (version.content_sha256, version.plan_hash)
    assert same.text_sha256 != version.text_sha256
    assert other.content_sha256 != version.content_sha256
    assert other.plan_hash != version.plan_hash
    with closing(sqlite3.connect(store)) as database:
        kept = database.execute("SELECT content FROM recipe_texts WHERE sha256 = ?", (plan.hash,)).fetchone()
    assert kept == (plan.canonical_json.encode(),)


def test_what_a_claim_forbids_is_kept_as_a_draft_and_cannot_be_approved(tmp_path: Path, store: Path) -> None:
    source = LIBRARY / "honda-comparative-1.yaml"
    lines = [line for line in source.read_text().splitlines() if not line.startswith(("purpose:", "reason:"))]
    file = tmp_path / "undeclared.yaml"
    file.write_text("\n".join(lines), encoding="utf-8")
    result = pressline("recipes", "add", file, "--by", "A", "--store", store)
    assert result.exit_code == 0
    assert "it cannot be approved for this line as it is" in result.output
    assert f"{file}:" in result.output
    refused = pressline("recipes", "approve", "honda-comparative-1@1", "--by", "B", "--store", store)
    assert refused.exit_code == 1
    assert "honda-comparative-1@1.yaml:" in refused.output
    assert "H013, US 2025/0260067 A1 claim 6" in refused.output
    assert tempfile.gettempdir() not in refused.output
    assert read_shelf(store).version(Reference("honda-comparative-1")).state == "draft"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("dwell: 2 min", "dwell: 2 parsec", "parsec"),
        ("basis: [honda]", "basis: [hondo]", "hondo"),
        ("basis: [honda]", "basis: [honda, ./site.csv]", "site.csv"),
        ("basis: [honda]", "basis: [honda, ../site.csv]", "not beside the recipe or below"),
        ("basis: [honda]", "basis: [honda, /etc/site.csv]", "not beside the recipe or below"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_where_it_is_wrong(
    tmp_path: Path, store: Path, old: str, new: str, what: str
) -> None:
    file = variant(tmp_path / "bad.yaml", (old, new))
    result = pressline("recipes", "add", file, "--by", "A", "--store", store)
    assert result.exit_code == 2
    number = next(n for n, line in enumerate(file.read_text().splitlines(), 1) if new in line)
    assert f"{file}:{number}:" in result.output
    assert what in result.output
    assert not store.exists()
    (finding,) = json.loads(pressline("recipes", "add", file, "--by", "A", "--json", "--store", store).output)[
        "findings"
    ]
    assert (finding["file"], finding["line"]) == (str(file), number)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"- 1\n", b"a" * 10_000_000])
def test_unusable_files_are_told_with_their_name(tmp_path: Path, store: Path, content: bytes | None) -> None:
    file = tmp_path / "recipe.yaml"
    if content is not None:
        file.write_bytes(content)
    result = pressline("recipes", "add", file, "--by", "A", "--store", store)
    assert result.exit_code == 2
    assert f"{file}:" in result.output
    assert not store.exists()


def test_versions_are_compared_as_files_are(tmp_path: Path, store: Path) -> None:
    added(store)
    added(store, variant(tmp_path / "two.yaml", ("dwell: 2 min", "dwell: 90 s")))
    result = pressline("recipes", "diff", f"{NAME}@1", f"{NAME}@2", "--store", store)
    assert result.exit_code == 1
    assert "third joining: dwell 2 min -> 1.5 min" in result.output
    assert f"{NAME}@1.yaml:" in result.output
    assert tempfile.gettempdir() not in result.output
    assert pressline("recipes", "diff", NAME, tmp_path / "two.yaml", "--store", store).exit_code == 0
    assert pressline("recipes", "diff", NAME, f"{NAME}@3", "--store", store).exit_code == 2
    assert pressline("recipes", "diff", NAME, tmp_path / "none.yaml", "--store", store).exit_code == 2


# ---------------------------------------------------------------------- packs that a recipe brings


def test_a_recipe_brings_its_own_packs_and_is_judged_by_the_stored_ones(tmp_path: Path, store: Path) -> None:
    name = pack(tmp_path / "rules")
    file = variant(tmp_path / "r.yaml", ("basis: [honda]", f"basis: [honda, {name}]"))
    files = {path: (tmp_path / path).read_bytes() for path in ("rules/site.csv", "rules/site.yaml")}
    version = added(store, file)
    assert version.packs == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    pack(tmp_path / "rules", limit_mpa=10)
    stricter = added(store, file)
    assert (stricter.number, stricter.text_sha256) == (2, version.text_sha256)
    assert stricter.plan_hash is None
    compared = pressline("recipes", "diff", f"{NAME}@1", f"{NAME}@2", "--store", store)
    assert (compared.exit_code, "rules/site.csv: the stored rule pack differs" in compared.output) == (1, True)
    shutil.rmtree(tmp_path / "rules")
    approved(store)
    plan, _ = approved_plan(store, NAME, 1, UNITS)
    assert [rules.name for rules in plan.rules.packs] == ["honda", "site"]
    with pytest.raises(Refused, match="Site rules 1"):
        approved(store, Reference(NAME, 2))
    output = tmp_path / "out" / "r.yaml"
    assert pressline("recipes", "export", f"{NAME}@1", "--output", output, "--store", store).exit_code == 0
    assert {path: (output.parent / path).read_bytes() for path in files} == files
    assert planned(output, None).hash == plan.hash


def test_an_export_does_not_write_over_anything_else(tmp_path: Path, store: Path) -> None:
    name = pack(tmp_path / "rules")
    added(store, variant(tmp_path / "r.yaml", ("basis: [honda]", f"basis: [honda, {name}]")))
    output = tmp_path / "out" / "r.yaml"
    command = ("recipes", "export", f"{NAME}@1", "--output", output, "--store", store)
    (tmp_path / "out" / "rules").mkdir(parents=True)
    other = tmp_path / "out" / "rules" / "site.csv"
    other.write_text("mine", encoding="utf-8")
    refused = pressline(*command)
    assert refused.exit_code == 2
    assert f"{other}: is there already with another content; nothing was written" in refused.output
    assert (other.read_text(encoding="utf-8"), output.exists()) == ("mine", False)
    other.unlink()
    assert [pressline(*command).exit_code for _ in range(2)] == [0, 0]
    onto = pressline("recipes", "export", f"{NAME}@1", "--output", tmp_path / "out", "--store", store)
    assert (onto.exit_code, "is there already" in onto.output) == (2, True)


# ---------------------------------------------------------------------- approval


def test_an_approval_names_who_signed_which_plan_for_which_line(tmp_path: Path, store: Path) -> None:
    added(store)
    line = renamed_line(tmp_path / "line.toml")
    command = ("recipes", "approve", f"{NAME}@1", "--by", " B. Reader ", "--meaning", "for trials", "--store", store)
    assert pressline(*command, "--line", line).exit_code == 0
    (approval,) = read_shelf(store).version(FIRST).approvals
    assert (approval.by, approval.meaning, approval.line) == ("B. Reader", "for trials", "hall 2")
    assert approval.plan_hash == planned(EXAMPLE, line).hash != planned(EXAMPLE, None).hash
    listed = json.loads(pressline("recipes", "list", "--json", "--store", store).output)
    assert listed == {"recipes": [{"recipe": NAME, "newest": 1, "newest_approved": 1, "states": {"1": "approved"}}]}


def test_nobody_approves_the_same_plan_twice_and_four_eyes_are_two_people(store: Path) -> None:
    added(store, by="A. Author")
    recipes = RecipeStore(store, clock())
    with pytest.raises(ApprovalRefused, match=r"added by A\. Author"):
        recipes.approve(FIRST, "a.  AUTHOR", "", SHIPPED, UNITS, four_eyes=True)
    recipes.approve(FIRST, "A. Author", "", SHIPPED, UNITS, four_eyes=False)
    with pytest.raises(ApprovalRefused, match=r"A\. Author has approved this plan"):
        recipes.approve(FIRST, "a. author", "", SHIPPED, UNITS, four_eyes=False)
    recipes.approve(FIRST, "B. Reader", "", SHIPPED, UNITS, four_eyes=True)
    result = pressline("recipes", "approve", f"{NAME}@1", "--by", "B. READER", "--store", store)
    assert (result.exit_code, "B. Reader has approved" in result.output) == (1, True)
    assert [approval.by for approval in read_shelf(store).version(FIRST).approvals] == ["A. Author", "B. Reader"]


def test_a_withdrawal_ends_what_was_approved_and_the_history_stays(store: Path) -> None:
    added(store)
    recipes = RecipeStore(store, clock())
    with pytest.raises(ApprovalRefused, match="no valid approval"):
        recipes.withdraw(FIRST, "C. Boss", "too early")
    approved(store)
    withdrawn = recipes.withdraw(FIRST, "C. Boss", "the soak is too short")
    assert withdrawn.state == "withdrawn"
    with pytest.raises(NotApproved, match=r"C\. Boss withdrew it at .* \(the soak is too short\)"):
        approved_plan(store, NAME, 1, UNITS)
    with pytest.raises(NotApproved, match="no version of honda-example-1 has a valid approval"):
        approved_plan(store, NAME, None, UNITS)
    again = approved(store)
    assert [approval.withdrawn is None for approval in again.approvals] == [False, True]
    assert approved_plan(store, NAME, 1, UNITS)[1] == again.approvals[1]
    twice = recipes.withdraw(FIRST, "D. Boss", "still too short")
    assert [approval.withdrawn and approval.withdrawn.by for approval in twice.approvals] == ["C. Boss", "D. Boss"]
    shown = pressline("recipes", "show", NAME, "--store", store).output
    assert "withdrawn C. Boss" in shown
    assert "the soak is too short" in shown


def test_what_runs_is_the_plan_that_was_approved(tmp_path: Path, store: Path) -> None:
    added(store)
    with pytest.raises(NotApproved, match=r"honda-example-1@1 has no valid approval; approve it with"):
        approved_plan(store, NAME, 1, UNITS)
    signed = approved(store).approvals[0]
    newer = added(store, soaked(tmp_path / "newer.yaml", 4))
    assert newer.number == 2
    plan, approval = approved_plan(store, NAME, None, UNITS)
    assert (plan.hash, plan.canonical_json) == (planned(EXAMPLE, None).hash, planned(EXAMPLE, None).canonical_json)
    assert approval == signed
    with pytest.raises(NotApproved, match="honda-example-1@2 has no valid approval"):
        approved_plan(store, NAME, 2, UNITS)
    approved(store, Reference(NAME, 2))
    assert approved_plan(store, NAME, None, UNITS)[1].version == 2
    assert approved_plan(store, NAME, 1, UNITS)[1] == signed


def test_another_line_is_told_by_what_differs_and_may_be_approved_too(tmp_path: Path, store: Path) -> None:
    added(store)
    approved(store)
    other = capabilities(renamed_line(tmp_path / "line.toml"))
    with pytest.raises(NotApproved) as caught:
        approved_plan(store, NAME, 1, other)
    assert 'steps[first joining].unit: approved "uniaxial-press-1", here "press-of-hall-2"' in str(caught.value)
    assert "the one that B. Reader approved for the shipped machine models" in str(caught.value)
    approved(store, units=other)
    assert approved_plan(store, NAME, 1, other)[1].plan_hash != approved_plan(store, NAME, 1, UNITS)[1].plan_hash


def test_a_line_that_cannot_do_it_any_more_refuses_what_was_approved(store: Path) -> None:
    added(store)
    approved(store)
    weaker = [replace(unit, max_force_kn=100.0) if unit.kind == "uniaxial_press" else unit for unit in UNITS]
    with pytest.raises(Refused, match=r"honda-example-1@1\.yaml:.* reaches 100 kN"):
        approved_plan(store, NAME, 1, weaker)


def test_comments_are_added_to_any_version_and_stay(store: Path) -> None:
    added(store)
    approved(store)
    for words in ("soak looks short", "it is not"):
        assert pressline("recipes", "comment", f"{NAME}@1", words, "--by", "C", "--store", store).exit_code == 0
    version = json.loads(pressline("recipes", "show", NAME, "--json", "--store", store).output)
    assert [(comment["by"], comment["text"]) for comment in version["comments"]] == [
        ("C", "soak looks short"),
        ("C", "it is not"),
    ]
    assert version["state"] == "approved"


# ---------------------------------------------------------------------- words


@pytest.mark.parametrize("name", ["", "  ", "\t", "A\x1b[31m", "A\nB", "A\x00", "a\u202eb", "\ud800", "-", "x" * 201])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(WordsUnusable, match="--by"):
        person(name)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A. Author", "a.  author ", True),
        ("Å. Ångström", "A\u030a. A\u030angstro\u0308m", True),
        ("A. Author", "A. Autor", False),
        ("Jörg", "Jorg", False),
    ],
)
def test_who_is_the_same_person(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@1",
        "@99",
        "a@",
        "a@0",
        "a@-1",
        "a@01",
        "a@1.0",
        "a@x",
        "a@9999999999",
        "a/b@1",
        "../a@1",
        "A@1",
        "a@1\n",
        "a@¹",
    ],
)
def test_what_names_no_version_is_told(store: Path, text: str) -> None:
    with pytest.raises(WordsUnusable, match="expected"):
        reference(text)
    added(store)
    result = pressline("recipes", "show", "--store", store, "--", text)
    assert (result.exit_code, "expected NAME@VERSION" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("show", "nobody"), "no recipe nobody is stored; stored: honda-example-1"),
        (("show", f"{NAME}@99"), "there is no honda-example-1@99; the newest is honda-example-1@1"),
        (("list", "nobody"), "no recipe nobody is stored"),
        (("approve", NAME, "--by", "B"), "'honda-example-1' names no version; expected one such as"),
        (("approve", f"{NAME}@2", "--by", "B"), "there is no honda-example-1@2"),
        (("approve", f"{NAME}@1", "--by", ""), "--by is empty"),
        (("approve", f"{NAME}@1", "--by", "B", "--meaning", "\x07"), "--meaning has the control character U+0007"),
        (("approve", f"{NAME}@1", "--by", "B", "--line", "no-such-line.toml"), "no-such-line.toml: cannot be read"),
        (("withdraw", f"{NAME}@1", "--by", "B", "--reason", " "), "--reason is empty"),
        (("comment", f"{NAME}@1", "", "--by", "B"), "the comment is empty"),
        (("comment", f"{NAME}@1", "x" * 10_001, "--by", "B"), "the comment has 10001 characters; expected at most"),
        (("comment", f"{NAME}@1", "two\nlines", "--by", "B"), "U+000A; expected one line of plain text"),
        (("add", EXAMPLE, "--by", "B", "--comment", "\x1b]0;x\x07"), "--comment has the control character U+001B"),
        (("add", EXAMPLE, "--by", "\x1b[2J"), "--by has the control character"),
        (("add", EXAMPLE), "Missing option '--by'"),
        (("export", f"{NAME}@1"), "Missing option '--output'"),
        (("export", f"{NAME}@1", "--output", "/proc/nowhere/x.yaml"), "/proc/nowhere"),
    ],
)
def test_mistakes_end_with_2_and_say_what_is_expected(
    store: Path, command: tuple[str | Path, ...], expected: str
) -> None:
    added(store)
    before = rows(store)
    result = pressline("recipes", *command, "--store", store)
    assert result.exit_code == 2
    assert expected in result.output
    assert "Traceback" not in result.output
    assert rows(store) == before


def test_every_command_has_help_and_json() -> None:
    for command in ("add", "list", "show", "comment", "approve", "withdraw", "export", "diff"):
        text = pressline("recipes", command, "--help").output
        assert "--json" in text
        assert "--store" in text


def masked(text: str) -> str:
    """Without what differs from day to day and with every change of a library recipe: hashes, times, places, sizes."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME", text)
    return re.sub(r"\.yaml:\d+:\d+|\d+ bytes", "PLACE", text)


def test_the_how_to_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "approve-a-recipe.md").read_text(encoding="utf-8")
    (tmp_path / "recipes").symlink_to(LIBRARY.parent)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 5
    for command, expected in re.findall(r"^\$ (.*?)\n(.*?)(?=^\$ |\Z)", "".join(blocks), re.DOTALL | re.MULTILINE):
        program, *arguments = shlex.split(command)
        if program == "pressline":
            assert masked(pressline(*arguments).output) == masked(expected), command
        else:
            subprocess.run([program, *arguments], check=True)
