"""The form of a certificate: its keys and their kinds. certificate.schema.json is written from here."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, WithJsonSchema, with_config
from typing_extensions import TypedDict

FORM: Literal["pressline certificate 1"] = "pressline certificate 1"
"""Changes with the meaning of a key or with the page, so that what was issued is read and shown as it was meant."""

_CLOSED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
Number = Annotated[int | float, WithJsonSchema({"type": "number"})]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Ends = Annotated[list[Number | None], Field(min_length=2, max_length=2)]


def _time(text: str) -> str:
    """Raises ValueError for a text that is no time of ISO 8601."""
    datetime.fromisoformat(text)
    return text


Time = Annotated[str, AfterValidator(_time)]
Verdict = Literal["pass", "fail", "undetermined"]


@with_config(_CLOSED)
class Line(TypedDict):
    """On what the run was made. A simulated run makes no laminate."""

    simulated: bool
    """true if anything in the journal marks the machines or the operator as simulated"""
    scenario: str | None
    seed: int | None
    words: str


@with_config(_CLOSED)
class RecipeOf(TypedDict):
    """The recipe, as the plan in the journal tells it. null is what an older journal does not hold."""

    name: str
    title: str | None
    purpose: Literal["production", "comparative"]
    reason: str | None
    """why a comparative recipe exists"""
    basis: list[str] | None
    """the rule packs, as the recipe names them"""
    sources: list[str] | None
    goes_into: list[str] | None
    """what the product is for"""
    sha256: Sha256 | None
    """of the recipe's content in canonical JSON, without comments and places in the file"""


@with_config(_CLOSED)
class ApprovalOf(TypedDict):
    """Who approved the plan, as the store of recipes tells it. The hash is that of the approval's record there."""

    version: int
    by: str
    utc: str
    meaning: str
    hash: Sha256


@with_config(_CLOSED)
class PlanOf(TypedDict):
    """What was run."""

    sha256: Sha256
    approval: ApprovalOf | None
    """null for a plan that was run without an approval"""


@with_config(_CLOSED)
class Pack(TypedDict):
    """One rule pack that the run was judged by."""

    name: str
    document: str
    sha256: Sha256


@with_config(_CLOSED)
class Product(TypedDict):
    """What was to be made: the sheets of the finished laminate in their order, and its area."""

    order: list[str]
    area_mm2: Number | None


@with_config(_CLOSED)
class Made(TypedDict):
    """When. begun and ended are the UTC times of the run's first and last record."""

    begun: Time
    ended: Time
    line_time_s: Number
    """time of the line from the first to the last record; a simulated line may run faster than the clock"""


@with_config(_CLOSED)
class AcceptedEstimates(TypedDict):
    """Rules for which the recipe's author accepts a law's estimate, by name."""

    rules: list[str]
    by: str
    reason: str


@with_config(_CLOSED)
class Verdicts(TypedDict):
    """How many rules have which verdict."""

    passed: int
    failed: int
    undetermined: int


@with_config(_CLOSED)
class Counts(TypedDict):
    """binding are claims and required rules; grades stand for themselves and count nowhere."""

    binding: Verdicts
    advisory: Verdicts
    not_applicable: int | None


@with_config(_CLOSED)
class Fact(TypedDict):
    """One thing that was known, and where it comes from."""

    subject: str
    quantity: str
    value: Number | str | list[str]
    unit: str
    uncertainty: Number | None
    """expanded uncertainty of value, k = 2, in unit"""
    low: Number | None
    high: Number | None
    evidence: str
    by_law_alone: bool
    """an estimate that no measurement has corrected"""
    source: str


@with_config(_CLOSED)
class Rule(TypedDict):
    """One rule: what was claimed, what was found, by what evidence, and the verdict."""

    id: str
    source: str
    severity: str
    binding: bool
    subject: str | None
    quantity: str | None
    what: str | None
    """quantity and subject in words"""
    claimed: str
    """the bound in words"""
    note: str | None
    """what the rule pack or the recipe adds to it, such as the recipe's own bound"""
    value: Number | str | None
    """what was judged, in unit; null where it is not known"""
    unit: str
    uncertainty: Number | None
    """expanded uncertainty, k = 2, in unit"""
    uncertainty_of: Literal["value", "difference"] | None
    """difference: of the value and the other value that it is compared with"""
    evidence: str | None
    on_accepted_estimate: bool
    """the verdict rests on a law's estimate that the recipe's author accepts by name"""
    facts: list[Fact] | None
    verdict: Verdict
    words: str


@with_config(_CLOSED)
class LeftOut(TypedDict):
    """A rule that does not apply, and why."""

    id: str
    source: str
    severity: str
    words: str


@with_config(_CLOSED)
class Grade(TypedDict):
    """The best grade of a test that the product reaches; null where none is reached or nothing is known."""

    subject: str | None
    quantity: str | None
    what: str | None
    grade: str | None
    rules: list[str]
    words: str


@with_config(_CLOSED)
class StepValue(TypedDict):
    """One quantity of a step: what was set, what was reached (the dwell mean), its extremes and its window."""

    quantity: str
    unit: str
    set: Number | None
    reached: Number | None
    lowest: Number | None
    highest: Number | None
    uncertainty: Number | None
    """expanded uncertainty of reached, k = 2, in unit"""
    window: Ends | None


@with_config(_CLOSED)
class StepLayer(TypedDict):
    """What a pressing did to one layer, in %."""

    layer: str
    porosity_before_pct: Number | None
    porosity_after_pct: Number | None
    decrease_pct: Number | None
    decrease_uncertainty_pct: Number | None
    evidence: str | None


@with_config(_CLOSED)
class Step(TypedDict):
    """One step in the order of the plan."""

    name: str
    kind: str
    unit: str | None
    done: bool
    values: list[StepValue]
    layers: list[StepLayer]


@with_config(_CLOSED)
class LayerValue(TypedDict):
    """What is known of one layer of the finished laminate."""

    layer: str
    quantity: str
    value: Number | None
    unit: str
    uncertainty: Number | None
    evidence: str | None


@with_config(_CLOSED)
class JournalPlace(TypedDict):
    """Where the run stands in its journal; the chain held up to this record when the certificate was made."""

    run_records: int
    store_records: int
    """records of the whole store up to the run's last one"""
    head_record: int
    """number of the run's last record"""
    head_sha256: Sha256
    """hash of that record, which depends on every record before it"""
    chain: Literal["holds"]


@with_config(_CLOSED)
class Maker(TypedDict):
    """The program that made the certificate."""

    program: Literal["pressline"]
    version: str


@with_config(_CLOSED)
class Certificate(TypedDict):
    """The certificate of a run. sha256 is over the canonical JSON (sorted keys, no blanks, UTF-8) of all other keys."""

    form: Literal["pressline certificate 1"]
    accepted: bool
    why_not: list[str]
    run: str
    line: Line
    recipe: RecipeOf
    plan: PlanOf
    packs: list[Pack] | None
    product: Product | None
    made: Made
    state: str
    reason: str
    decision_rule: str | None
    accepted_estimates: AcceptedEstimates | None
    counts: Counts
    rules: list[Rule]
    grades: list[Grade]
    not_applicable: list[LeftOut] | None
    steps: list[Step]
    layers: list[LayerValue]
    messages: list[str]
    journal: JournalPlace
    made_by: Maker
    sha256: Sha256


class NotOfTheForm(ValueError):
    """Data that are no certificate; the message names the place."""


@cache
def _adapter() -> TypeAdapter[Certificate]:
    return TypeAdapter(Certificate)


def as_certificate(data: Any) -> Certificate:
    """The same data, known to have the form. Raises NotOfTheForm."""
    form = data.get("form") if isinstance(data, dict) else None
    if form != FORM:
        raise NotOfTheForm(f"its form is {form!r}, not {FORM!r}")
    try:
        _adapter().validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise NotOfTheForm(f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}") from error
    return cast("Certificate", data)


def schema_text() -> str:
    """The published JSON schema, as controller/reports/certificate.schema.json holds it."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:pressline:certificate:1"}
    schema = _untitled(_adapter().json_schema())
    return json.dumps({**head, "title": "The certificate of a run", **schema}, indent=2) + "\n"


def _untitled(schema: Any) -> Any:
    """A schema without the titles that only repeat the keys."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _untitled(item) for key, item in schema.items() if key != "title" or not isinstance(item, str)}
