"""A certificate read back from its file: JSON, the HTML page or the PDF. What the file is, its content tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from controller.reports.certificate_form import Certificate, NotOfTheForm, as_certificate
from controller.reports.certificate_page import DATA_BEGIN, DATA_END
from controller.reports.certificate_pdf_reading import PdfUnreadable, attachment

SIZE_LIMIT = 50_000_000  # bytes; a certificate has some hundred thousand


class Kind(StrEnum):
    """In which form a certificate was handed over."""

    JSON = "JSON"
    HTML = "HTML"
    PDF = "PDF"


class NoCertificateFile(Exception):
    """The file is no certificate, or cannot be read; the message names the file and the place."""


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A file, and the document that is in it. Its form is right; whether it is true has not been looked at."""

    path: Path
    kind: Kind
    content: bytes
    certificate: Certificate


def read_certificate(path: Path) -> CertificateFile:
    """The certificate in a file. Raises NoCertificateFile."""
    try:
        with path.open("rb") as handle:
            content = handle.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise NoCertificateFile(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > SIZE_LIMIT:
        raise NoCertificateFile(f"{path}: is larger than {SIZE_LIMIT} bytes, so it is no certificate")
    if b"%PDF-" in content[:1024]:
        kind, part = Kind.PDF, _attached(path, content)
    elif content.lstrip()[:1] == b"<":
        kind, part = Kind.HTML, _embedded(path, _decoded(content, str(path)))
    else:
        kind, part = Kind.JSON, _Part(_decoded(content, str(path)), str(path), 1)
    return CertificateFile(path, kind, content, _document(part))


@dataclass(frozen=True, slots=True)
class _Part:
    """The text of a document, what it is called, and the line of the file at which it begins."""

    text: str
    name: str
    line: int


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoCertificateFile(f"{name}: byte {error.start} is not UTF-8, so it is no certificate") from error


def _attached(path: Path, content: bytes) -> _Part:
    name = f"{path}, attached document"
    try:
        return _Part(_decoded(attachment(content), name), name, 1)
    except PdfUnreadable as error:
        raise NoCertificateFile(f"{path}: {error}") from error


def _embedded(path: Path, page: str) -> _Part:
    before, begin, rest = page.partition(DATA_BEGIN)
    if not begin:
        lines = page.count("\n") + 1
        raise NoCertificateFile(f"{path}: holds no certificate: there is no {DATA_BEGIN} in its {lines} lines")
    data, end, after = rest.partition(DATA_END)
    line = before.count("\n") + 1
    if not end:
        raise NoCertificateFile(f"{path}:{line}: the document that begins here has no end; the file is cut off")
    if DATA_BEGIN in after:
        raise NoCertificateFile(f"{path}:{line}: there are several documents in this page, expected one")
    return _Part(data, str(path), line)


def _document(part: _Part) -> Certificate:
    try:
        return as_certificate(json.loads(part.text, object_pairs_hook=_without_doubles))
    except json.JSONDecodeError as error:
        place = f"{part.name}:{part.line + error.lineno - 1}:{error.colno}"
        raise NoCertificateFile(f"{place}: no JSON, so no certificate ({error.msg})") from error
    except (ValueError, RecursionError) as error:
        raise NoCertificateFile(f"{part.name}:{part.line}: no certificate: {error}") from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that is there twice would be read in two ways. Raises NotOfTheForm."""
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        raise NotOfTheForm(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return result
