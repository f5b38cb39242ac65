"""Every assertion of Sparkplug 3.0.0 has a test that exists, or a reason; and the page says the same."""

from __future__ import annotations

import importlib

import pytest

from tests.telemetry.sparkplug.page import ASSERTIONS, PAGE, Assertion, assertions, page

ROWS = assertions()


def fault(row: Assertion) -> str:
    """What is wrong with a row; "" for nothing."""
    if not row.tests and not row.note:
        return "neither a test nor a reason"
    for test in row.tests:
        module, _, name = test.partition(".")
        found = importlib.import_module(f"tests.telemetry.sparkplug.test_{module}")
        if not name.startswith("test_") or not callable(getattr(found, name, None)):
            return f"there is no test {test}"
    return ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_an_assertion_has_a_test_or_a_reason(row: Assertion) -> None:
    assert fault(row) == ""


def test_a_row_without_either_and_one_with_a_test_that_is_none_are_noticed() -> None:
    assert fault(Assertion("x", (), "")) == "neither a test nor a reason"
    assert fault(Assertion("x", ("births.test_no_such",), "")) == "there is no test births.test_no_such"
    assert fault(Assertion("x", ("births.Kept",), "")) == "there is no test births.Kept"


def test_every_assertion_of_the_specification_stands_once() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS) == ASSERTIONS


def test_the_page_of_the_reference_is_what_the_tables_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "make it anew with: python -m tests.telemetry.sparkplug.page"
    assert all(f"`{row.id}`" in text for row in ROWS)
