"""The certificate: what it tells, that it looks the same for ever, and that no alteration of it goes unnoticed."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from controller.cli.exit_codes import code_of
from controller.cli.main import app
from controller.executor.record import document
from controller.journal import read_events
from controller.reports import certificate_page, certificate_pdf
from controller.reports.certificate import (
    JournalDamaged,
    NoCertificate,
    certificate_document,
    own_sha256,
    signed,
)
from controller.reports.certificate_checks import Result as Outcome
from controller.reports.certificate_checks import file_checks
from controller.reports.certificate_form import Certificate, NotOfTheForm, as_certificate, schema_text
from controller.reports.certificate_page import DATA_BEGIN, DATA_END, json_text, page_html, visible
from controller.reports.certificate_pdf import ATTACHMENT, page_pdf
from controller.reports.certificate_pdf_reading import flowing_text
from controller.reports.certificate_reading import CertificateFile, Kind, NoCertificateFile, read_certificate
from tests.controller.certificates_for_tests import (
    SIMULATION,
    TITLE,
    chained,
    copy,
    edit,
    fact,
    judged,
    older,
    records,
    rule,
    store,
)
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, planned, variant
from tests.controller.scene import Scene

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "controller/reports/certificate.schema.json").read_text(encoding="utf-8"))


def pressline(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


@cache
def hand_made() -> Certificate:
    return certificate_document(chained(("one", records(simulation=SIMULATION))), "one", "0.1.0")


@cache
def real_line() -> Certificate:
    return certificate_document(chained(("one", records())), "one", "0.1.0")


@cache
def hand_made_pdf() -> bytes:
    return page_pdf(hand_made())


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def results(certificate: Certificate, kind: Kind, content: bytes) -> list[Outcome]:
    return [check.result for check in file_checks(CertificateFile(Path("x"), kind, content, certificate))]


def lines_of(output: str) -> dict[str, str]:
    """What `pressline verify` prints of each check."""
    pairs = (line.strip().partition(": ") for line in output.splitlines() if line.startswith("  "))
    return {name: rest for name, _, rest in pairs}


# ---------------------------------------------------------------------- the document


def test_it_tells_what_was_claimed_found_and_by_what_evidence() -> None:
    certificate = hand_made()
    assert certificate["accepted"] is True
    assert certificate["why_not"] == []
    assert certificate["recipe"]["title"] == TITLE
    assert certificate["recipe"]["sha256"] == "cd" * 32
    assert certificate["product"] == {"order": ["separator", "heat_resistant"], "area_mm2": 1600}
    assert certificate["packs"] == [{"name": "site", "document": "SITE 1", "sha256": "ab" * 32}]
    assert certificate["made"] == {
        "begun": "2026-01-01T00:00:00.000+00:00",
        "ended": "2026-01-01T00:08:00.000+00:00",
        "line_time_s": 8,
    }
    assert certificate["counts"] == {
        "binding": {"passed": 2, "failed": 0, "undetermined": 0},
        "advisory": {"passed": 0, "failed": 1, "undetermined": 1},
        "not_applicable": 1,
    }
    claim, required, compared, *_ = certificate["rules"]
    assert claim["claimed"] == "at least 60 and at most 200 degC"
    assert (claim["value"], claim["unit"], claim["uncertainty"], claim["uncertainty_of"]) == (
        120.5, "degC", 1.25, "value",
    )  # fmt: skip
    assert claim["facts"] == [
        {
            "subject": "press",
            "quantity": "temperature",
            "value": 120.5,
            "unit": "degC",
            "uncertainty": 1.25,
            "low": 119.75,
            "high": 121.5,
            "evidence": "measured",
            "by_law_alone": False,
            "source": "press-1, <b>press</b>",
        }
    ]
    assert required["on_accepted_estimate"] is True
    assert required["note"] == "the recipe's own bound; SITE 1 S2 asks less"
    assert compared["claimed"] == "greater than first press's 25 degC"
    assert certificate["accepted_estimates"] == {
        "rules": ["S2"],
        "by": "A. Name",
        "reason": "the law was fitted here",
    }
    assert certificate["not_applicable"] == [
        {"id": "S9", "source": "SITE 1 S9", "severity": "claim", "words": "asked only where there is cyano"}
    ]


def test_the_uncertainty_of_a_comparison_is_that_of_the_difference() -> None:
    both = [fact("a", "pressure", 980.0, "MPa"), fact("b", "pressure", 90.0, "MPa")]
    rules = [
        rule("C", "claim", "pass", bound=90.0, facts=both),
        rule("E", "claim", "pass", bound=90.0, facts=both[:1]),
    ]
    found = certificate_document(chained(("one", records(certificate=judged(rules=rules)))), "one")["rules"]
    assert [item["uncertainty_of"] for item in found] == ["difference", "value"]


def test_it_tells_the_best_grade_that_is_reached_and_none_where_none_is() -> None:
    (grade,) = hand_made()["grades"]
    assert (grade["quantity"], grade["grade"], grade["rules"]) == ("peel_strength", "A", ["S5", "S6", "S7"])
    none = [item | {"verdict": "undetermined"} for item in judged()["rules"]]
    (grade,) = certificate_document(chained(("one", records(certificate=judged(rules=none)))), "one")["grades"]
    assert grade["grade"] is None


def test_steps_tell_what_was_set_and_reached_and_a_limit_is_no_highest_value() -> None:
    (step,) = hand_made()["steps"]
    pressure, dwell, residue = step["values"]
    assert (pressure["quantity"], pressure["unit"], pressure["set"], pressure["reached"]) == (
        "pressure", "MPa", 90, 90.125,
    )  # fmt: skip
    assert (pressure["highest"], pressure["window"], pressure["uncertainty"]) == (90.5, [88.2, 91.8], 1.1)
    assert (dwell["quantity"], dwell["unit"], dwell["reached"]) == ("dwell", "s", 180)
    assert (residue["highest"], residue["window"]) == (None, [None, 2])
    assert [layer["decrease_pct"] for layer in step["layers"]] == [11.1]


def test_what_was_entered_or_came_from_the_laboratory_is_told_with_its_unit() -> None:
    found = records()
    lab = {"peel_strength": {"of": "heat_resistant_layer", "value": 62.0, "unit": "N/m", "uncertainty": 1.0}}
    modulus = {"intermediate": {"value": 0.83, "uncertainty": 0.01}}
    result = {
        "entered": {"line_force": {"reached": 107873.0, "unit": "N", "window": [100000.0, 110000.0]}},
        "measurements": {
            "lab": lab,
            "composite_modulus": modulus,
            "thickness": {"thickness_um": 9.5, "plausible": True},
        },
    }
    found[4] = ("step.finished", {"name": "press <1>", "kind": "rest", "result": result, "produces": "lot"})
    (step,) = certificate_document(chained(("one", found)), "one")["steps"]
    assert [(value["quantity"], value["unit"], value["reached"], value["window"]) for value in step["values"]] == [
        ("line force", "N", 107873, [100000, 110000]),
        ("composite modulus of intermediate", "GPa", 0.83, None),
        ("peel strength of heat resistant layer", "N/m", 62, None),
        ("thickness", "um", 9.5, None),
    ]


@pytest.mark.parametrize(
    ("verdict", "state", "expected"),
    [
        ("fail", "complete", "S1 (SITE 1 S1): fails: S1 in words"),
        ("undetermined", "complete", "S1 (SITE 1 S1): undetermined: S1 in words"),
        ("pass", "stopped", "the run is stopped, not complete"),
    ],
)
def test_what_is_not_accepted_says_why(verdict: str, state: str, expected: str) -> None:
    rules = [rule("S1", "claim", verdict), rule("S2", "preferred", "pass")]
    events = chained(("one", records(certificate=judged(rules=rules), state=state)))
    certificate = certificate_document(events, "one")
    assert certificate["accepted"] is False
    assert certificate["why_not"] == [expected]
    assert expected in page_html(certificate)


@pytest.mark.parametrize(("rules", "accepted"), [([rule("S2", "preferred", "fail")], True), ([], False)])
def test_without_a_claim_the_certificate_agrees_with_the_exit_code_and_says_so(
    rules: list[dict[str, Any]], accepted: bool
) -> None:
    events = chained(("one", records(certificate=judged(rules=rules))))
    certificate = certificate_document(events, "one")
    assert certificate["accepted"] is accepted is (code_of(document(events, alive=False)) == 0)
    assert ("No claim and no required rule applies to it" in page_html(certificate)) is accepted
    assert certificate["why_not"] == ([] if accepted else ["no rule was judged"])


def test_the_schema_is_the_form_and_describes_every_certificate() -> None:
    assert schema_text() == (ROOT / "controller/reports/certificate.schema.json").read_text(encoding="utf-8")
    for certificate in (hand_made(), real_line(), old()):
        jsonschema.validate(certificate, SCHEMA)
    for key in hand_made():
        less = {name: value for name, value in hand_made().items() if name != key}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(less, SCHEMA)
        with pytest.raises(NotOfTheForm):
            as_certificate(less)
    with pytest.raises(NotOfTheForm, match=r"rules\.0\.verdict"):
        as_certificate(altered(lambda data: data["rules"][0].update(verdict="perhaps")))
    with pytest.raises(NotOfTheForm, match=r"made\.ended"):
        as_certificate(altered(lambda data: data["made"].update(ended="yesterday")))


def altered(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    data = copy(hand_made())
    change(data)
    return data


def test_the_hash_can_be_computed_as_the_reference_says_without_pressline(tmp_path: Path) -> None:
    (program,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/reference/certificate.md").read_text("utf-8"), re.DOTALL
    )
    for text, expected in (
        (json_text(hand_made()), "True"),
        (json_text(hand_made()).replace("120.5", "120.6"), "False"),
    ):
        (tmp_path / "certificate.json").write_text(text, encoding="utf-8")
        run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == expected
    canonical = json.dumps(hand_made(), sort_keys=True, separators=(",", ":"))
    assert not re.search(r"\d\.0[,\]}]", canonical), "other programs write a whole number without a point"


def test_the_same_records_give_the_same_certificate_from_memory_from_disk_and_with_later_runs(tmp_path: Path) -> None:
    first = records(simulation=SIMULATION)
    alone = chained(("one", first))
    more = chained(("one", first), ("two", records()))
    kept = read_events(store(tmp_path / "s.sqlite", more))
    wanted = certificate_document(alone, "one")
    assert certificate_document(more, "one") == wanted
    assert certificate_document(kept, "one") == wanted
    later = certificate_document(kept, "two")
    assert later["journal"]["run_records"] == 9
    assert later["journal"]["store_records"] == later["journal"]["head_record"] == 18
    assert later["journal"]["head_sha256"] == kept[-1].hash


@cache
def old() -> Certificate:
    return certificate_document(chained(("one", older(records()))), "one")


def test_an_older_journal_gives_a_certificate_that_says_what_was_not_recorded() -> None:
    certificate = old()
    not_there = (certificate["packs"], certificate["recipe"]["sha256"], certificate["product"])
    assert not_there == (None, None, None)
    assert (certificate["counts"]["not_applicable"], certificate["not_applicable"]) == (None, None)
    assert {item["facts"] is None for item in certificate["rules"]} == {True}
    assert certificate["accepted"] is True
    page = page_html(certificate)
    assert page.count("not recorded") >= 6
    assert not re.search(r"[>:;] *None *[<:;]", page)


@cache
def scene() -> Scene:
    return Scene().play()


def test_a_run_on_simulated_machines_has_a_certificate_that_agrees_with_its_record() -> None:
    events, record = scene().events, scene().record
    certificate = certificate_document(events, "run")
    jsonschema.validate(certificate, SCHEMA)
    assert certificate["accepted"] is (code_of(record) == 0)
    assert certificate["line"]["simulated"] is True
    assert [item["id"] for item in certificate["rules"]] == [item["id"] for item in record["certificate"]["rules"]]
    assert {item["verdict"] for item in certificate["rules"] if item["binding"]} == {"pass"}
    assert certificate["plan"]["sha256"] == planned(EXAMPLE, None).hash
    quantities = {
        (value["quantity"], value["unit"])
        for step in certificate["steps"]
        for value in step["values"]
        if step["name"] == "densifying"
    }
    assert quantities == {("pressure", "MPa"), ("temperature", "degC"), ("dwell", "s")}
    assert DATA_BEGIN in page_html(certificate)


# ---------------------------------------------------------------------- simulated or real


@pytest.mark.parametrize(
    ("more", "simulated"),
    [
        ({"simulation": SIMULATION}, True),
        ({"truth": {"layers": {}, "steps": []}}, True),
        ({"by": "simulated operator"}, True),
        ({}, False),
    ],
)
def test_any_trace_of_a_simulator_marks_the_certificate(more: dict[str, Any], simulated: bool) -> None:
    certificate = certificate_document(chained(("one", records(**more))), "one")
    assert certificate["line"]["simulated"] is simulated
    page = page_html(certificate).partition(DATA_BEGIN)[0]
    assert ("<strong>SIMULATED LINE</strong>" in page) is simulated
    assert ("<title>SIMULATED: " in page) is simulated


def test_a_simulator_that_was_gone_at_the_end_marks_the_certificate() -> None:
    found = records()
    found.insert(5, ("run.problem", {"reason": "the simulated truth could not be had: no socket"}))
    assert certificate_document(chained(("one", found)), "one")["line"]["simulated"] is True


def test_every_page_of_a_simulated_pdf_says_so_and_none_of_a_real_one() -> None:
    for certificate, simulated in ((hand_made(), True), (real_line(), False)):
        pages = pypdf.PdfReader(io.BytesIO(page_pdf(certificate))).pages
        assert len(pages) >= 2
        for number, page in enumerate(pages, start=1):
            text = page.extract_text()
            assert ("SIMULATED LINE" in text) is simulated
            assert f"page {number} of {len(pages)}" in text
            assert f"SHA-256 {certificate['sha256']}" in text


# ---------------------------------------------------------------------- what gets none


def test_what_has_no_certificate_is_told_with_its_reason(tmp_path: Path) -> None:
    whole = records()
    path = store(
        tmp_path / "s.sqlite",
        chained(
            ("going-on", whole[:5]),
            ("unjudged", [item for item in whole if item[0] != "certificate"]),
            ("done", whole),
        ),
    )
    for run, expected in (
        ("going-on", "run going-on has not ended"),
        ("unjudged", "run unjudged has not been judged"),
        ("nobody", "there is no run nobody; the last one is done"),
    ):
        result = pressline("certificate", run, "--store", path, "--html", tmp_path / "x.html")
        assert result.exit_code == 2
        assert f"{path}: {expected}" in result.output
    assert not (tmp_path / "x.html").exists()
    assert pressline("certificate", "done", "--store", path).exit_code == 0
    missing = pressline("certificate", "done", "--store", tmp_path / "none.sqlite")
    assert (missing.exit_code, "there is no such store" in missing.output) == (2, True)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE events SET data = replace(data, '120.5', '120.6') WHERE kind = 'certificate'", "record 8 (certific"),
        ("UPDATE events SET utc = '2025' WHERE sequence = 2", "record 2 (run.state) was changed"),
        ("DELETE FROM events WHERE sequence = 4", "record 4 is missing, record 5 stands in its place"),
        ("DELETE FROM events WHERE sequence = 1", "record 1 is missing"),
    ],
)
def test_a_damaged_journal_gives_none_and_the_place_is_told(tmp_path: Path, statement: str, expected: str) -> None:
    path = store(tmp_path / "s.sqlite", chained(("one", records())))
    edit(path, statement)
    result = pressline("certificate", "one", "--store", path, "--json")
    assert result.exit_code == 1
    assert f"{path}: the journal is damaged: {expected}" in result.output
    assert "{" not in result.output


def test_a_record_that_is_no_json_any_more_is_told_without_a_trace(tmp_path: Path) -> None:
    path = store(tmp_path / "s.sqlite", chained(("one", records())))
    edit(path, "UPDATE events SET data = '{' WHERE sequence = 3")
    result = pressline("certificate", "one", "--store", path)
    assert result.exit_code == 1
    assert f"{path}: the journal is damaged: record" in result.output
    code, told = against(tmp_path, path)
    assert code == 1
    assert told[0].startswith("DOES NOT HOLD (record 3 cannot be read")
    assert told[1:] == ["not checked (the journal cannot be read)"] * 2


def test_a_plan_that_is_not_the_one_of_its_hash_gives_none() -> None:
    with pytest.raises(JournalDamaged, match="does not have the hash"):
        certificate_document(chained(("one", records(plan_hash="0" * 64))), "one")


def test_records_of_another_form_are_told_and_give_none() -> None:
    with pytest.raises(NoCertificate, match="another form"):
        certificate_document(chained(("one", records(certificate={"rules": [{"id": "S1"}]}))), "one")


# ---------------------------------------------------------------------- the command


def test_the_command_prints_writes_and_gives_the_code_of_show(tmp_path: Path) -> None:
    refused = judged(rules=[rule("S1", "claim", "fail")])
    path = store(
        tmp_path / "s.sqlite",
        chained(("good", records(simulation=SIMULATION)), ("bad", records(certificate=refused))),
    )
    for run in ("good", "bad"):
        shown = pressline("show", run, "--store", path).exit_code
        for options in ([], ["--json"], ["--html", tmp_path / f"{run}.html", "--pdf", tmp_path / f"{run}.pdf"]):
            assert pressline("certificate", run, "--store", path, *options).exit_code == shown
    certificate = json.loads(pressline("certificate", "good", "--store", path, "--json").output)
    jsonschema.validate(certificate, SCHEMA)
    text = pressline("certificate", "good", "--store", path).output
    assert "SIMULATED LINE: no machine moved" in text
    assert f"SHA-256 of the certificate: {certificate['sha256']}\naccepted\n" in text
    assert "CERTIFICATE" in text
    assert "not accepted\n    - S1 (SITE 1 S1): fails" in pressline("certificate", "bad", "--store", path).output
    assert (tmp_path / "good.html").read_text(encoding="utf-8") == page_html(certificate)
    assert (tmp_path / "good.pdf").read_bytes() == page_pdf(certificate)
    assert not list(tmp_path.glob("*.part"))


def test_a_file_that_is_there_is_kept_unless_force_is_given(tmp_path: Path) -> None:
    path = store(tmp_path / "s.sqlite", chained(("one", records())))
    page = written(tmp_path / "c.html", b"mine")
    other = tmp_path / "c.pdf"
    result = pressline("certificate", "one", "--store", path, "--pdf", other, "--html", page)
    assert (result.exit_code, page.read_bytes(), other.exists()) == (2, b"mine", False)
    assert f"{page}: is there already; --force writes over it" in result.output
    assert pressline("certificate", "one", "--store", path, "--html", page, "--force").exit_code == 0
    assert DATA_BEGIN in page.read_text(encoding="utf-8")


def test_nothing_is_written_over_the_store_a_directory_or_twice(tmp_path: Path) -> None:
    path = store(tmp_path / "s.sqlite", chained(("one", records())))
    before = path.read_bytes()
    link = tmp_path / "link.html"
    link.symlink_to(path)
    cases: tuple[tuple[list[str | Path], str], ...] = (
        (["--html", path], "is the store itself"),
        (["--pdf", link], "is the store itself"),
        (["--html", tmp_path], "is a directory"),
        (["--html", tmp_path / "none" / "c.html"], "cannot be written (No such file or directory)"),
        (["--html", tmp_path / "c", "--pdf", tmp_path / "c"], "name the same file"),
    )
    for options, expected in cases:
        result = pressline("certificate", "one", "--store", path, "--force", *options)
        assert (result.exit_code, expected in result.output) == (2, True), result.output
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.html", "s.sqlite"]


def test_a_machine_without_pango_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(tmp_path / "s.sqlite", chained(("one", records())))
    good = written(tmp_path / "good.pdf", page_pdf(real_line()))

    def missing(name: str) -> Any:
        if name != "weasyprint":
            return importlib.import_module(name)
        print("WeasyPrint could not import some external libraries.")
        raise OSError("cannot load library 'libpango-1.0-0': no such file\nmore")

    monkeypatch.setattr(certificate_pdf, "import_module", missing)
    options = ("--pdf", tmp_path / "c.pdf", "--html", tmp_path / "c.html")
    result = pressline("certificate", "one", "--store", path, *options)
    assert result.exit_code == 2
    assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0" in result.output
    assert "WeasyPrint could not" not in result.output
    assert not (tmp_path / "c.pdf").exists()
    assert not (tmp_path / "c.html").exists()
    checks = lines_of(pressline("verify", good).output)
    assert checks["the PDF's text, what the document gives"].startswith("not checked (a PDF needs Pango")


# ---------------------------------------------------------------------- the page


class Page(HTMLParser):
    """The tags of a page and its visible texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_everything_that_users_wrote_is_escaped() -> None:
    hostile = '<script src="http://x"></script><img src=x onerror=alert(1)>]]>'
    found = records(
        certificate=judged(rules=[rule("S1", "claim", "fail", words=hostile, source=hostile, unit=hostile)]),
        steps=[{"name": "press <1>", "kind": "press", "unit": hostile}],
        purpose="comparative",
        reason=hostile,
    )
    page = page_html(certificate_document(chained(("<b>one</b>", found)), "<b>one</b>"))
    tags = Page(page).tags
    assert [attributes for tag, attributes in tags if tag == "script"] == [
        {"type": "application/json", "id": "certificate"}
    ]
    assert not {tag for tag, _ in tags} & {"img", "b", "iframe", "link", "a", "object"}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 4
    assert page.count(DATA_END) == 1


def test_hidden_characters_are_shown() -> None:
    assert visible("plain µ – 90 MPa\n") == "plain µ – 90 MPa\n"
    assert visible("a\u202eb\x1b[2J\u200b") == "a[U+202E]b[U+001B][2J[U+200B]"
    found = records(certificate=judged(rules=[rule("S1", "claim", "fail", words="fail \u202e ssap")]))
    page = page_html(certificate_document(chained(("one", found)), "one"))
    assert "\u202e" not in page
    assert "fail [U+202E] ssap" in page


def test_the_page_is_complete_in_itself_and_readable_by_everybody() -> None:
    page = page_html(hand_made())
    tags = Page(page).tags
    assert tags[0] == ("html", {"lang": "en"})
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in tags
    assert not re.search(r"https?:|url\(|@import|src=", page)
    headers = [attributes for tag, attributes in tags if tag == "th"]
    assert len(headers) > 20
    assert {attributes.get("scope") for attributes in headers} == {"col", "row", "rowgroup"}
    assert page.index("Accepted") < page.index("Claims and required rules</h2>") < page.index("Advisory rules</h2>")
    assert "peel strength of the heat-resistant layer" in page
    assert "grade A" in page
    for severity in ("more preferred", "preferred"):
        assert f'scope="rowgroup">{severity}</th>' in page
    assert page.index(">more preferred<") < page.index(">preferred<")


def test_a_page_that_was_issued_is_rendered_the_same_for_ever() -> None:
    """A change of template, style or words makes pages that were issued look altered: give it a form of its own."""
    assert hashlib.sha256(page_html(hand_made()).encode()).hexdigest() == PAGE_SHA256


PAGE_SHA256 = "1bd95e7ba0c27c1c2f320046732e7fea020cf65ed852cba77b065eb4da4fd5a0"


# ---------------------------------------------------------------------- the PDF


def test_the_pdf_is_drawn_without_a_complaint(caplog: pytest.LogCaptureFixture) -> None:
    page_pdf(old())
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []


def test_the_pdf_carries_the_document_its_title_and_everything_that_the_page_says() -> None:
    reader = pypdf.PdfReader(io.BytesIO(hand_made_pdf()))
    assert reader.attachments[ATTACHMENT] == [json_text(hand_made()).encode()]
    assert reader.metadata is not None
    assert reader.metadata.title == "SIMULATED: Certificate of run one, hand-made"
    assert str(reader.root_object["/Lang"]) == "en"
    assert "/StructTreeRoot" in reader.root_object, "tags, for those who have it read to them"
    text = " ".join("".join(page.extract_text() for page in reader.pages).split())
    for part in (TITLE, "Accepted", "S1 in words", "± 1.2 degC", "separator | heat resistant", "grade A", "A. Name"):
        assert part in text
    assert page_pdf(hand_made()) == hand_made_pdf()


def with_attachment(pdf: bytes, document: str) -> bytes:
    """A PDF whose attached document was exchanged."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    (name,) = writer.root_object["/Names"]["/EmbeddedFiles"]["/Names"][1:]  # type: ignore[index] # a name tree
    stream = name.get_object()["/EF"]["/F"].get_object()
    stream.set_data(document.encode())
    out = io.BytesIO()
    writer.write(out)
    assert pypdf.PdfReader(io.BytesIO(out.getvalue())).attachments[ATTACHMENT] == [document.encode()]
    return out.getvalue()


def forged(change: Callable[[dict[str, Any]], Any] | None = None) -> Certificate:
    """A certificate that somebody altered and whose hash he computed anew."""
    result = signed(altered(change or (lambda data: data["rules"][0].update(value=120.6, words="S1 is so"))))
    assert own_sha256(result) == result["sha256"] != hand_made()["sha256"]
    return result


def test_a_pdf_with_another_document_attached_is_noticed(tmp_path: Path) -> None:
    digit = json_text(hand_made()).replace("120.5", "120.6", 1)
    result = pressline("verify", written(tmp_path / "digit.pdf", with_attachment(hand_made_pdf(), digit)))
    assert result.exit_code == 1
    assert lines_of(result.output)["the document's own SHA-256"].startswith("DOES NOT HOLD")
    anew = written(tmp_path / "anew.pdf", with_attachment(hand_made_pdf(), json_text(forged())))
    result = pressline("verify", anew)
    assert result.exit_code == 1
    checks = lines_of(result.output)
    assert checks["the document's own SHA-256"] == "holds"
    assert checks["the PDF's text, what the document gives"].startswith("DOES NOT HOLD")


def test_a_pdf_whose_pages_say_something_else_is_noticed(tmp_path: Path) -> None:
    same_hash = copy(forged())
    same_hash["sha256"] = hand_made()["sha256"]  # so that only the page's words differ
    other = with_attachment(page_pdf(as_certificate(same_hash)), json_text(hand_made()))
    result = pressline("verify", written(tmp_path / "c.pdf", other))
    assert result.exit_code == 1
    told = lines_of(result.output)["the PDF's text, what the document gives"]
    assert told.startswith("DOES NOT HOLD")
    assert "S1isso" in told


def test_a_pdf_with_something_drawn_over_it_is_noticed(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(hand_made_pdf()))
    from pypdf.annotations import Rectangle

    writer.add_annotation(0, Rectangle(rect=(50, 550, 350, 600), interior_color="ffffff"))
    out = io.BytesIO()
    writer.write(out)
    result = pressline("verify", written(tmp_path / "c.pdf", out.getvalue()))
    assert result.exit_code == 1
    checks = lines_of(result.output)
    assert checks["the PDF's text, what the document gives"] == "holds"
    assert checks["the PDF's drawing, byte for byte what the document gives"].startswith("DOES NOT HOLD")


def test_a_pdf_drawn_with_other_fonts_keeps_its_text_and_its_drawing_is_not_told_as_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def larger(certificate: Certificate) -> str:
        page = page_html(certificate)
        return page.replace("DejaVu Sans Condensed", "DejaVu Serif").replace("9.5pt", "12pt")

    with monkeypatch.context() as patch:
        patch.setattr(certificate_pdf, "page_html", larger)
        other = page_pdf(hand_made())
    assert other != hand_made_pdf()
    assert len(pypdf.PdfReader(io.BytesIO(other)).pages) > len(pypdf.PdfReader(io.BytesIO(hand_made_pdf())).pages)
    result = pressline("verify", written(tmp_path / "c.pdf", other))
    checks = lines_of(result.output)
    assert checks["the PDF's text, what the document gives"] == "holds", result.output
    assert checks["the PDF's drawing, byte for byte what the document gives"].startswith("not checked (it was drawn by")
    assert result.exit_code == 0


def test_a_pdf_whose_pages_lack_their_heads_and_feet_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bare(certificate: Certificate) -> str:
        return re.sub(r"@(top|bottom)-(left|right) [{][^}]*[}]", "", page_html(certificate))

    with monkeypatch.context() as patch:
        patch.setattr(certificate_pdf, "page_html", bare)
        other = page_pdf(hand_made())
    result = pressline("verify", written(tmp_path / "c.pdf", other))
    assert result.exit_code == 1
    told = lines_of(result.output)["the PDF's text, what the document gives"]
    assert told == "DOES NOT HOLD (page 1 lacks its head or foot)"


def test_a_pdf_that_lacks_its_last_page_is_noticed() -> None:
    whole = pypdf.PdfReader(io.BytesIO(hand_made_pdf()))
    writer = pypdf.PdfWriter()
    for page in list(whole.pages)[:-1]:
        writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    assert results(hand_made(), Kind.PDF, out.getvalue())[1] is Outcome.FAILS


# ---------------------------------------------------------------------- altered files


def test_an_untouched_certificate_holds_in_all_three_forms(tmp_path: Path) -> None:
    forms = (json_text(hand_made()).encode(), page_html(hand_made()).encode(), hand_made_pdf())
    for content, kind in zip(forms, Kind, strict=True):
        file = written(tmp_path / "c", content)
        assert read_certificate(file).kind is kind
        assert set(results(hand_made(), kind, content)) == {Outcome.HOLDS}
        assert pressline("verify", file).exit_code == 0


def notices(path: Path, content: bytes) -> bool:
    """Whether a file is refused, or one of its checks fails."""
    try:
        read = read_certificate(written(path, content))
    except NoCertificateFile:
        return True
    return any(check.result is Outcome.FAILS for check in file_checks(read))


def test_no_digit_of_the_json_can_be_altered(tmp_path: Path) -> None:
    content = json_text(real_line()).encode()
    places = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    assert len(places) > 300
    for place in places:
        digit = b"%d" % ((content[place] - 48 + 1) % 10)
        where = content[place - 30 : place + 9]
        assert notices(tmp_path / "c.json", content[:place] + digit + content[place + 1 :]), where


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_byte_of_the_page_can_be_altered(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = page_html(real_line()).encode()
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    path = tmp_path_factory.getbasetemp() / "altered.html"
    assert notices(path, content[:place] + bytes([byte]) + content[place + 1 :])


@pytest.mark.parametrize("kind", list(Kind))
def test_a_file_that_is_cut_off_is_noticed(tmp_path: Path, kind: Kind) -> None:
    forms = {Kind.JSON: json_text(hand_made()).encode(), Kind.HTML: page_html(hand_made()).encode()}
    content = forms.get(kind) or hand_made_pdf()
    for part in (0, 1, 7, 200, len(content) // 3, len(content) // 2, len(content) - 900, len(content) - 30):
        assert notices(tmp_path / "c", content[:part])
        assert pressline("verify", tmp_path / "c").exit_code in (1, 2)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ":1:1: no JSON"),
        (b"hello", ":1:1: no JSON"),
        (b'{"form": 1,\n "a": }', ":2:7: no JSON"),
        (b"[]", "no certificate: its form is None, not 'pressline certificate 1'"),
        (b'{"form": "pressline certificate 2"}', "its form is 'pressline certificate 2'"),
        (b'{"form": "pressline certificate 1"}', "no certificate: accepted: field required"),
        (b'{"form": "x", "form": "pressline certificate 1"}', "the key 'form' is there twice"),
        (b"[" * 100_000, "no certificate"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "no certificate"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"<!doctype html>\n<p>hello</p>\n", "holds no certificate"),
        (b"<!doctype html>\n" + DATA_BEGIN.encode() + b'\n{"a": }' + DATA_END.encode(), ":3:7: no JSON"),
        (b"<!doctype html>\n" + DATA_BEGIN.encode(), ":2: the document that begins here has no end"),
        (b"%PDF-1.7\n", "cannot be read as a PDF"),
    ],
)
def test_what_is_no_certificate_is_told_with_its_place(tmp_path: Path, content: bytes, expected: str) -> None:
    file = written(tmp_path / "c", content)
    result = pressline("verify", file)
    assert result.exit_code == 2
    assert result.output.startswith(str(file))
    assert expected in result.output
    assert "holds\n" not in result.output


def test_a_pdf_without_a_certificate_a_directory_and_nothing_are_told(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(tmp_path / "other.pdf")
    for file, expected in (
        (tmp_path / "other.pdf", "0 attachments are named certificate.json"),
        (tmp_path, "cannot be read (Is a directory)"),
        (tmp_path / "none", "cannot be read (No such file or directory)"),
    ):
        result = pressline("verify", file)
        assert (result.exit_code, expected in result.output) == (2, True), result.output


def test_a_page_with_two_documents_is_refused(tmp_path: Path) -> None:
    page = page_html(hand_made()).replace("</main>", f"</main>{DATA_BEGIN}{{}}{DATA_END}")
    result = pressline("verify", written(tmp_path / "c.html", page.encode()))
    assert (result.exit_code, "several documents" in result.output) == (2, True)


def test_a_page_that_shows_something_else_is_noticed_with_its_line(tmp_path: Path) -> None:
    page = page_html(hand_made()).replace("S1 in words", "S1 in other words", 1)
    result = pressline("verify", written(tmp_path / "c.html", page.encode()))
    line = page[: page.index("S1 in other words")].count("\n") + 1
    assert result.exit_code == 1
    assert lines_of(result.output)["the page, byte for byte what the document gives"] == (
        f"DOES NOT HOLD (line {line} is another one)"
    )


# ---------------------------------------------------------------------- against the journal

JOURNAL = (
    "the journal's hash chain",
    "the run in the journal, up to the certified record and its hash",
    "the certificate, made again from the journal",
)


def against(tmp_path: Path, path: Path, certificate: Certificate | None = None) -> tuple[int, list[str]]:
    file = written(tmp_path / "c.json", json_text(certificate or hand_made()).encode())
    result = pressline("verify", file, "--store", path)
    checks = lines_of(result.output)
    return result.exit_code, [checks[name] for name in JOURNAL]


def a_store(tmp_path: Path) -> Path:
    return store(tmp_path / "s.sqlite", chained(("one", records(simulation=SIMULATION)), ("two", records())))


def test_the_journal_that_it_came_from_gives_it_again(tmp_path: Path) -> None:
    assert against(tmp_path, a_store(tmp_path)) == (0, ["holds", "holds", "holds"])


def test_a_certificate_that_was_judged_again_since_is_no_longer_good(tmp_path: Path) -> None:
    first = records(simulation=SIMULATION)
    again = [*first, ("lab.entered", {"fact": {}}), ("certificate", judged(fail=4))]
    path = store(tmp_path / "s.sqlite", chained(("one", again)))
    file = written(tmp_path / "c.json", json_text(certificate_document(chained(("one", first)), "one")).encode())
    result = pressline("verify", file, "--store", path)
    newest = lines_of(result.output)["the newest judgement of the run"]
    assert result.exit_code == 1
    assert newest.startswith("DOES NOT HOLD (it was judged again in record ")


def test_later_records_of_the_run_do_not_hurt_and_are_told(tmp_path: Path) -> None:
    more = [*records(simulation=SIMULATION), ("run.problem", {"reason": "a late note"})]
    path = store(tmp_path / "s.sqlite", chained(("one", more)))
    code, told = against(tmp_path, path)
    assert (code, told) == (0, ["holds", "holds (it has 1 later records of this run)", "holds"])


@pytest.mark.parametrize("sequence", range(1, 10))
def test_a_changed_or_deleted_record_is_noticed(tmp_path: Path, sequence: int) -> None:
    path = a_store(tmp_path)
    edit(path, "UPDATE events SET data = '{\"!\":1,' || substr(data, 2) WHERE sequence = ?", sequence)
    code, (chain, _, again) = against(tmp_path, path)
    assert code == 1
    assert chain.startswith("DOES NOT HOLD (record")
    assert again.startswith("DOES NOT HOLD (record")
    path.unlink()
    path = a_store(tmp_path)
    edit(path, "DELETE FROM events WHERE sequence = ?", sequence)
    code, (chain, *_) = against(tmp_path, path)
    assert code == 1
    assert chain.startswith(f"DOES NOT HOLD (record {sequence} is missing")


def test_a_journal_whose_last_record_is_gone_is_noticed_although_its_chain_holds(tmp_path: Path) -> None:
    path = store(tmp_path / "s.sqlite", chained(("one", records(simulation=SIMULATION))))
    edit(path, "DELETE FROM events WHERE sequence = 9")
    code, (chain, contained, again) = against(tmp_path, path)
    assert (code, chain) == (1, "holds")
    assert contained == "DOES NOT HOLD (there is no record 9; the journal ends with record 8)"
    assert again.startswith("DOES NOT HOLD (run one has not ended")


def test_a_journal_written_anew_with_another_value_is_noticed(tmp_path: Path) -> None:
    better = judged()
    better["rules"][0]["value"] = 121.0
    path = store(tmp_path / "s.sqlite", chained(("one", records(simulation=SIMULATION, certificate=better))))
    code, (chain, contained, again) = against(tmp_path, path)
    assert (code, chain) == (1, "holds")
    assert contained.startswith("DOES NOT HOLD (record 9 has the hash")
    assert again == "DOES NOT HOLD (rules[0].value is another one)"


def test_the_wrong_store_is_noticed(tmp_path: Path) -> None:
    path = store(tmp_path / "s.sqlite", chained(("other", records()), ("more", records())))
    code, (chain, contained, again) = against(tmp_path, path)
    assert (code, chain) == (1, "holds")
    assert contained == "DOES NOT HOLD (record 9 is of run other, not of one)"
    assert again.startswith("DOES NOT HOLD (there is no run one")
    empty = store(tmp_path / "empty.sqlite", [])
    assert against(tmp_path, empty)[0] == 1
    file = tmp_path / "c.json"
    for wrong in (tmp_path / "none.sqlite", file):
        assert pressline("verify", file, "--store", wrong).exit_code == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["rules"][0].update(value=120.6),
        lambda data: data["line"].update(simulated=False, scenario=None, seed=None, words="real machines"),
        lambda data: data.update(accepted=False),
        lambda data: data["journal"].update(run_records=8),
        lambda data: data["steps"].clear(),
    ],
)
def test_a_certificate_whose_hash_was_computed_anew_is_not_what_the_journal_gives(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    code, (chain, _, again) = against(tmp_path, a_store(tmp_path), forged(change))
    assert (code, chain) == (1, "holds")
    assert again.startswith("DOES NOT HOLD (")


def test_a_certificate_of_an_older_version_is_made_again_with_its_version(tmp_path: Path) -> None:
    made = certificate_document(read_events(a_store(tmp_path)), "one", "0.0.9")
    assert made["made_by"]["version"] == "0.0.9"
    assert against(tmp_path, tmp_path / "s.sqlite", made)[0] == 0


# ---------------------------------------------------------------------- against the recipe

PLAN_CHECK, RECIPE_CHECK = "the plan that was run, made again from the recipe", "the recipe's SHA-256"


@cache
def of_example() -> Certificate:
    from recipes.plan import recipe_sha256

    plan = planned(EXAMPLE, None)
    found = records(plan=plan.canonical_json, recipe=plan.recipe.name, recipe_sha256=recipe_sha256(plan.recipe))
    return certificate_document(chained(("one", found)), "one")


def test_the_recipe_that_was_run_gives_the_plan_and_another_does_not(tmp_path: Path) -> None:
    file = written(tmp_path / "c.json", json_text(of_example()).encode())
    same = variant(tmp_path / "same.yaml", ("dwell: 2 min", "dwell: 120 s  # two minutes"))
    for recipe in (EXAMPLE, same):
        result = pressline("verify", file, "--recipe", recipe)
        assert result.exit_code == 0, result.output
        assert lines_of(result.output)[PLAN_CHECK] == lines_of(result.output)[RECIPE_CHECK] == "holds"
    changed = variant(tmp_path / "changed.yaml", ("dwell: 2 min", "dwell: 119 s"))
    for recipe in (changed, LIBRARY / "honda-example-2.yaml"):
        result = pressline("verify", file, "--recipe", recipe)
        assert result.exit_code == 1
        assert "another recipe, another line" in lines_of(result.output)[PLAN_CHECK]
        assert lines_of(result.output)[RECIPE_CHECK].startswith("DOES NOT HOLD")


def test_a_recipe_that_is_refused_gives_no_plan_and_one_that_is_none_is_told(tmp_path: Path) -> None:
    file = written(tmp_path / "c.json", json_text(of_example()).encode())
    refused = variant(tmp_path / "refused.yaml", ("pressure: 290 MPa", "pressure: 80 MPa"), ("284.2..295.8", "79..81"))
    result = pressline("verify", file, "--recipe", refused)
    assert result.exit_code == 1
    assert lines_of(result.output)[PLAN_CHECK].startswith("DOES NOT HOLD (it gives none")
    none = pressline("verify", file, "--recipe", tmp_path / "none.yaml")
    assert (none.exit_code, "none.yaml" in none.output) == (2, True)
    line = pressline("verify", file, "--recipe", EXAMPLE, "--line", tmp_path / "none.toml")
    assert (line.exit_code, "none.toml" in line.output) == (2, True)


# ---------------------------------------------------------------------- what is told


def test_what_was_not_checked_is_told_as_not_checked(tmp_path: Path) -> None:
    file = written(tmp_path / "c.html", page_html(real_line()).encode())
    result = pressline("verify", file)
    assert result.exit_code == 0
    checks = lines_of(result.output)
    assert [checks[name] for name in JOURNAL] == ["not checked (give --store FILE)"] * 3
    assert checks[PLAN_CHECK] == checks[RECIPE_CHECK] == "not checked (give --recipe FILE)"
    assert "checks: 2 hold, 0 do not hold, 6 were not made" in result.output
    assert "verified" not in result.output
    data = json.loads(pressline("verify", file, "--json").output)
    assert [check["result"] for check in data["checks"]] == ["holds"] * 2 + ["not checked"] * 6


def test_what_an_altered_certificate_says_cannot_drive_the_terminal(tmp_path: Path) -> None:
    hostile = forged(lambda data: data.update(run="one\x1b[2J: holds", why_not=["\x1b]0;x\x07"], accepted=False))
    result = pressline("verify", written(tmp_path / "c.json", json_text(hostile).encode()))
    assert "\x1b" not in result.output
    assert "[U+001B]" in result.output


def test_the_how_to_names_the_checks_as_they_are_printed(tmp_path: Path) -> None:
    text = (ROOT / "docs/how-to/verify-a-certificate.md").read_text(encoding="utf-8")
    text, _, _ = text.partition("## Check a store by itself")
    told = set(re.findall(r"^  (.+?): (?:holds|not checked|DOES NOT HOLD)", text, re.MULTILINE))
    printed: set[str] = set()
    for content in (json_text(hand_made()).encode(), page_html(hand_made()).encode(), hand_made_pdf()):
        printed |= lines_of(pressline("verify", written(tmp_path / "c", content)).output).keys()
    assert told == printed


def test_the_commands_say_how_they_are_used() -> None:
    for command in ("certificate", "verify"):
        assert command in pressline("--help").output
        assert "--json" in pressline(command, "--help").output


def test_the_built_package_has_the_page(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"certificate.schema.json", "templates/certificate-1.html", "templates/certificate-1.css"}
    assert {f"controller/reports/{name}" for name in wanted} <= names


def test_the_text_of_a_pdf_flows_the_same_wherever_pages_break() -> None:
    text = flowing_text(hand_made_pdf(), hand_made())
    assert text.startswith("SIMULATEDLINE")
    assert "page1of" not in text
    assert certificate_page.NOT_RECORDED.replace(" ", "") not in text
