"""The documents say what runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from controller.api.asyncapi import asyncapi
from controller.api.openapi import routes_of
from controller.api.problems import KINDS
from controller.api.write_documents import documents
from tests.api.site import Site

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", documents())
def test_the_committed_documents_are_made_from_this_code(name: str) -> None:
    """`python -m controller.api.write_documents docs/reference` writes them anew."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == documents()[name]


async def test_what_is_served_is_what_is_committed(site: Site) -> None:
    async with site.client() as client:
        served = (await client.get("/api/v1/openapi.json")).json()
    assert served == json.loads((REFERENCE / "openapi.json").read_text(encoding="utf-8"))


def test_every_operation_has_a_name_of_its_own_and_words(site: Site) -> None:
    names = [route.operation_id for route in routes_of(site.app)]
    assert len(set(names)) == len(names)
    assert None not in names
    assert [route.operation_id for route in routes_of(site.app) if not route.description] == []


async def test_every_metric_is_documented(site: Site) -> None:
    page = (REFERENCE / "api.md").read_text(encoding="utf-8")
    names = {f"`{metric.name}" for metric in site.app.state.registry.collect()}
    assert [name for name in names if name not in page] == []


def test_every_kind_of_problem_is_one_of_http() -> None:
    assert all(400 <= kind.status <= 599 for kind in KINDS.values())


def test_every_message_of_the_stream_is_described() -> None:
    document = asyncapi()
    for kind in ("snapshot", "change", "heartbeat"):
        assert kind in document["components"]["messages"]
        assert kind in document["components"]["schemas"]


def test_every_reference_of_the_openapi_document_leads_somewhere() -> None:
    document = json.loads(documents()["openapi.json"])
    for reference in set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', documents()["openapi.json"])):
        assert reference[1] in document["components"][reference[0]], reference
