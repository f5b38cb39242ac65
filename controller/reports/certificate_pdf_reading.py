"""What a certificate's PDF holds: the attached document, the text of its pages, and what drew it."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import TYPE_CHECKING, Any, cast

from controller.reports.certificate_form import Certificate
from controller.reports.certificate_page import page_html, visible
from controller.reports.certificate_pdf import ATTACHMENT, MACHINE

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_HEAD = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


class PdfUnreadable(Exception):
    """The file is no PDF that can be read, or holds no certificate."""


@contextmanager
def _reader(content: bytes) -> Iterator[PdfReader]:
    """A reader of a PDF; within the block whatever a damaged file does to it is PdfUnreadable."""
    from pypdf import PdfReader

    log = logging.getLogger("pypdf")
    before, log.disabled = log.disabled, True
    try:
        yield PdfReader(io.BytesIO(content), strict=True)
    except PdfUnreadable:
        raise
    except Exception as error:  # a damaged file makes the reader fail in any way there is
        why = str(error) or "it is damaged"
        raise PdfUnreadable(f"cannot be read as a PDF ({why}); is it cut off?") from error
    finally:
        log.disabled = before


def attachment(content: bytes) -> bytes:
    """The one document that a certificate's PDF has attached. Raises PdfUnreadable."""
    with _reader(content) as reader:
        found = reader.attachments.get(ATTACHMENT, [])
        if len(found) != 1:
            raise PdfUnreadable(f"holds no certificate: {len(found)} attachments are named {ATTACHMENT}, expected one")
        return found[0]


def machine_of(content: bytes) -> str:
    """What drew a PDF, as it says itself, with the fonts that are embedded. Raises PdfUnreadable."""
    with _reader(content) as reader:
        fonts = {name for page in reader.pages for name in _fonts(page)}
        information = reader.metadata
        drawn_with = None if information is None else information.get(f"/{MACHINE}")
        return f"{drawn_with or 'something unknown'}, {', '.join(sorted(fonts))}"


def _fonts(page: PageObject) -> Iterator[str]:
    """Names of the fonts of a page, without the marks of their subsets."""
    resources = cast("Mapping[str, Any]", page["/Resources"])
    for font in resources["/Font"].values():
        yield str(font.get_object()["/BaseFont"]).rpartition("+")[2]


def flowing_text(content: bytes, certificate: Certificate) -> str:
    """All that the pages say, without blanks and wherever pages and lines break.

    What is printed on each page (its head, its foot, the heads of tables) is left out after it was looked for.
    Raises PdfUnreadable, also for a page that lacks its head or foot.
    """
    with _reader(content) as reader:
        pages = [_without_blanks(page.extract_text()) for page in reader.pages]
    parts = []
    for number, text in enumerate(pages, start=1):
        mark = "SIMULATED LINE" if certificate["line"]["simulated"] else ""
        foot = f"SHA-256 {certificate['sha256']} page {number} of {len(pages)}"
        running = _without_blanks(f"pressline certificate, run {visible(certificate['run'])} {mark} {foot}")
        if not text.endswith(running):
            raise PdfUnreadable(f"page {number} lacks its head or foot")
        parts.append(text.removesuffix(running))
    flow = "".join(parts)
    for head in sorted(
        {_without_blanks(unescape(_TAG.sub("", head))) for head in _HEAD.findall(page_html(certificate))}
    ):
        flow = flow.replace(head, "")
    return flow.replace("•", "")  # drawn after the list's text, on whatever page that ends


def _without_blanks(text: str) -> str:
    return "".join(text.split())
