"""The certificate as one HTML page that needs nothing else: for a screen, a telephone and paper.

A page is rendered from its document alone and from nothing that may change, so that the same document gives the same
bytes for ever. What changes these bytes needs a new form, and its own template beside the old one.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.reports.certificate_form import Certificate

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).with_name("templates")
DATA_BEGIN = '<script type="application/json" id="certificate">'
DATA_END = "</script>"
NOT_RECORDED = "not recorded"
SEVERITIES = (
    "claim",
    "required",
    "particularly_preferred",
    "even_more_preferred",
    "more_preferred",
    "preferred",
    "example_tolerance",
    "example_value",
    "example",
    "normal",
    "test_criterion",
)
"""Strongest first, as they are grouped on the page."""


def page_html(certificate: Certificate) -> str:
    """The page, with the document inside. Everything that users wrote is escaped."""
    return _template().render(**_view(certificate))


def json_text(certificate: Certificate) -> str:
    """The document as a file of its own."""
    return json.dumps(certificate, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: value if isinstance(value, Markup) or not isinstance(value, str) else visible(value),
    )
    environment.filters |= {
        "words": words,
        "term": term,
        "number": number,
        "pm": expanded,
        "value": value_words,
        "span": span,
        "exact": exact,
        "known": fact_value,
    }
    return environment.get_template("certificate-1.html")


def _view(certificate: Certificate) -> dict[str, Any]:
    """The document with what the page counts, groups and numbers."""
    from markupsafe import Markup

    rules: Sequence[Mapping[str, Any]] = certificate["rules"]
    advisory = [rule for rule in rules if not rule["binding"] and not str(rule["severity"]).startswith("grade_")]
    facts = _numbered(rules)
    data = json.dumps(certificate, indent=1, allow_nan=False)
    for character in "&<>":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return {
        "c": certificate,
        "style": Markup((TEMPLATES / "certificate-1.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        "data": Markup(data),  # noqa: S704 - a < in it is written as an escape, so no tag can end it
        "binding": [rule for rule in rules if rule["binding"]],
        "groups": _groups(advisory),
        "pressed": [step for step in certificate["steps"] if step["layers"]],
        "known_layers": [layer for layer in certificate["layers"] if layer["value"] is not None],
        "facts": facts,
        "references": _references(rules, facts),
        "not_recorded": NOT_RECORDED,
    }


def _groups(rules: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Advisory rules by severity, strongest first."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for rule in rules:
        groups.setdefault(str(rule["severity"]), []).append(rule)
    known = {severity: place for place, severity in enumerate(SEVERITIES)}
    return sorted(groups.items(), key=lambda group: (known.get(group[0], len(known)), group[0]))


def _key(fact: Mapping[str, Any]) -> str:
    return json.dumps(fact, sort_keys=True)


def _numbered(rules: Iterable[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Every fact that a rule used, once, with a number to refer to it."""
    different = {_key(fact): fact for rule in rules for fact in rule["facts"] or ()}
    return [(f"F{number}", fact) for number, fact in enumerate(different.values(), start=1)]


def _references(
    rules: Iterable[Mapping[str, Any]], facts: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, list[str]]:
    names = {_key(fact): name for name, fact in facts}
    return {rule["id"]: [names[_key(fact)] for fact in rule["facts"] or ()] for rule in rules}


# ---------------------------------------------------------------------- numbers and words


def visible(text: str) -> str:
    """A text in which nothing is hidden: control and direction marks are written as their code points."""
    if all(character.isprintable() or character == "\n" for character in text):
        return text
    return "".join(
        character if character.isprintable() or character == "\n" or unicodedata.category(character) == "Zs"
        else f"[U+{ord(character):04X}]"
        for character in text
    )  # fmt: skip


def words(name: str) -> str:
    """A name of the record in words: "solid_electrolyte" is solid electrolyte."""
    return name.replace("_", " ")


def term(name: str) -> str:
    """A name of the rules in words: "cathode_layer@after_join3" is cathode layer, after join3."""
    return words(name).replace("@", ", ").replace(".", ", ")


def number(value: float | str | None, digits: int = 4) -> str:
    """A number with some significant digits, whole numbers in full; a text as it is; a dash for what is not known."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    places = digits - 1 - _magnitude(value)
    return f"{value:.{digits}g}" if places > 9 else f"{value:.{max(places, 0)}f}"


def exact(value: float | None) -> str:
    """A number as somebody set it, with all its digits; nothing where nothing was set."""
    return "" if value is None else f"{value:.6g}"


def _magnitude(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def expanded(uncertainty: float | None, unit: str = "") -> str:
    """An uncertainty with two significant digits; nothing where none is known."""
    if uncertainty is None:
        return ""
    return f"± {number(uncertainty, 2)} {_unit(unit)}".rstrip()


def _unit(unit: str) -> str:
    """A unit behind a number; ratios and pure numbers have none."""
    return "" if unit in ("", "-", "ratio") else unit


def value_words(value: float | str | Sequence[str] | None, unit: str = "") -> str:
    """A value with its unit; a list with bars."""
    if value is None or isinstance(value, str):
        return number(value)
    if not isinstance(value, int | float):
        return " | ".join(value)
    return f"{number(value)} {_unit(unit)}".rstrip()


def fact_value(fact: Mapping[str, Any]) -> str:
    """A fact's value: all its digits where somebody wrote it, the significant ones where it was found."""
    value = fact["value"]
    if isinstance(value, int | float) and fact["evidence"] in ("declared", "commanded"):
        return f"{exact(value)} {_unit(fact['unit'])}".rstrip()
    return value_words(value, fact["unit"])


def span(window: Sequence[float | None] | None) -> str:
    """A window in words; one end may be open."""
    if window is None:
        return ""
    low, high = window
    if low is None:
        return f"at most {exact(high)}"
    return f"at least {exact(low)}" if high is None else f"{exact(low)} to {exact(high)}"
