"""A run's record and certificate as documents: pure work on records, done in the process for computing."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from controller.events import Event
from controller.executor.record import document
from controller.reports.certificate import certificate_of_run
from controller.reports.certificate_page import json_text, page_html


class Form(StrEnum):
    """In which form a certificate is wanted."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"


MEDIA_TYPES = {Form.JSON: "application/json", Form.HTML: "text/html; charset=utf-8", Form.PDF: "application/pdf"}


def record(events: Sequence[Event], *, alive: bool) -> dict[str, Any]:
    """The batch record of a run from its own records."""
    return document(list(events), alive=alive)


def certificate(own: Sequence[Event], run: str, form: Form) -> bytes:
    """A run's certificate from its records, byte for byte as the command line writes it.

    Raises NoCertificate, JournalDamaged, PdfImpossible.
    """
    made = certificate_of_run(own, run)
    if form is Form.JSON:
        return json_text(made).encode()
    if form is Form.HTML:
        return page_html(made).encode()
    from controller.reports.certificate_pdf import page_pdf

    return page_pdf(made)
