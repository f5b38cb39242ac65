"""The certificate as a PDF: the page on paper, with the document attached. Needs Pango on the machine."""

from __future__ import annotations

import io
import warnings
import zlib
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from controller.reports.certificate_form import Certificate
from controller.reports.certificate_page import json_text, page_html

if TYPE_CHECKING:
    from types import ModuleType

ATTACHMENT = "certificate.json"
MACHINE = "DrawnWith"
"""Key of the PDF's information under which it says what drew it."""
DEBIAN_PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


class PdfImpossible(Exception):
    """This machine cannot write a PDF; the message says what to install. A retry makes sense after that."""


def page_pdf(certificate: Certificate) -> bytes:
    """The PDF. The same document on the same machine gives the same bytes. Raises PdfImpossible."""
    weasyprint = _weasyprint()
    ended = datetime.fromisoformat(certificate["made"]["ended"])
    attachment = weasyprint.Attachment(
        string=json_text(certificate),
        name=ATTACHMENT,
        description=f"The document of the certificate of run {certificate['run']}",
        created=ended,
        modified=ended,
        relationship="Data",
    )
    page = weasyprint.HTML(string=page_html(certificate), url_fetcher=_refuse, base_url="about:blank")
    written: bytes = page.write_pdf(attachments=[attachment], pdf_tags=True, finisher=_signed_by_machine)
    return written


def _signed_by_machine(_: Any, pdf: Any) -> None:
    """Names in the PDF what its lines and glyphs depend on, so that a later comparison knows what to expect."""
    pdf.info[MACHINE] = import_module("pydyf").String(drawn_with())


def drawn_with() -> str:
    """The libraries of this machine that draw a page. Raises PdfImpossible."""
    weasyprint = _weasyprint()
    pango = import_module("weasyprint.text.ffi").pango
    return f"WeasyPrint {weasyprint.VERSION}, Pango {pango.pango_version()}, zlib {zlib.ZLIB_RUNTIME_VERSION}"


def _weasyprint() -> ModuleType:
    """WeasyPrint, which prints advice of its own and raises OSError where it finds no Pango."""
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("weasyprint")
    except OSError as error:
        raise PdfImpossible(
            f"a PDF needs Pango, and this machine has none ({str(error).splitlines()[0]});"
            f" on Debian: apt-get install {DEBIAN_PACKAGES}"
        ) from error


def _refuse(url: str, **_: Any) -> dict[str, Any]:
    """Nothing is fetched for a certificate: it is complete in itself."""
    raise ValueError(f"a certificate loads nothing, not {url}")
