"""What the API answers when it does not do what was asked: one table of kinds, told as RFC 9457 problem details.

Every answer that is no success is `application/problem+json` with a `type` (`urn:pressline:problem:NAME`) of this
table. docs/reference/problems.md is made from the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from controller.executor.commands import Expected
from recipes.findings import Finding

MEDIA_TYPE = "application/problem+json"
URN = "urn:pressline:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. retry says when asking again makes sense, "" for never with the same words."""

    name: str
    status: int
    title: str
    meaning: str
    retry: str = ""

    @property
    def uri(self) -> str:
        return URN + self.name


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("malformed", 400, "The request cannot be read", "It is no HTTP or no JSON that the endpoint understands."),
        Kind(
            "key-missing",
            400,
            "An idempotency key is needed",
            "Commands that raise risk or make something carry an `Idempotency-Key`: a repetition does nothing twice.",
            "with the header",
        ),
        Kind(
            "not-signed-in",
            401,
            "Nobody is signed in",
            "No session and no token came with the request, or it is unknown, ended or expired.",
            "after signing in",
        ),
        Kind("not-authorised", 403, "The role may not do this", "See the table of rights; nothing was done."),
        Kind(
            "other-origin",
            403,
            "The request comes from another site",
            "A browser sends it for a page that is not the service's own and not an allowed origin.",
        ),
        Kind(
            "csrf",
            403,
            "The session's own token is missing",
            "With a session cookie, whatever changes something carries `X-CSRF-Token` as the sign-in gave it.",
            "with the header",
        ),
        Kind("unknown", 404, "There is no such thing", "The address, or what it names, does not exist."),
        Kind("method", 405, "The address has no such method", "`Allow` names those that it has."),
        Kind(
            "late-request",
            408,
            "The request took too long to arrive",
            "Its body did not come within the limit.",
            "on a better connection",
        ),
        Kind(
            "conflict",
            409,
            "The present state does not allow it",
            "What is asked for is in order, but not now; the detail says what is in the way.",
            "when that has changed",
        ),
        Kind(
            "outdated",
            409,
            "The run has moved on",
            "The command was meant for another state and version than the run has now; `present` says where it is.",
            "after a look at `present`",
        ),
        Kind(
            "in-progress",
            409,
            "The same command is being carried out",
            "Another request with this idempotency key has not been answered yet.",
            "with the same key in a moment",
        ),
        Kind(
            "outcome-unknown",
            409,
            "Nobody knows whether it was done",
            "The service got the command under this key and failed or ended before it answered. Look, then decide.",
            "with a new key after a look",
        ),
        Kind("too-large", 413, "The body is too large", "The limit is in the detail."),
        Kind("media-type", 415, "The body is of another kind", "Commands take `application/json`."),
        Kind(
            "invalid",
            422,
            "The request says something that cannot be",
            "`findings` names each fault with its place: a JSON pointer into the request, or a place in a recipe.",
        ),
        Kind(
            "key-reused",
            422,
            "The idempotency key belongs to another command",
            "A key stands for one request; this one has another method, address or body.",
            "with a new key",
        ),
        Kind(
            "too-many",
            429,
            "Too many requests, or a name that is locked",
            "`Retry-After` says for how long.",
            "after `Retry-After`",
        ),
        Kind("headers-too-large", 431, "The headers are too large", "The limit is in the detail."),
        Kind(
            "internal",
            500,
            "A fault of the service",
            "The service's log has it under `instance`. Nobody knows what was done: look first.",
        ),
        Kind(
            "unready",
            503,
            "The service cannot do this now",
            "A part that is needed (the store, a machine, a worker) does not answer or is busy.",
            "after `Retry-After`, or when the detail's cause is mended",
        ),
        Kind(
            "late-answer",
            503,
            "The answer takes too long",
            "What was asked for was not found out within the limit, and is given up; nothing was changed.",
            "asking for less, or after `Retry-After`",
        ),
    )
}


class Place(BaseModel):
    """Where a finding is: in a recipe file, or at a JSON pointer of the request."""

    model_config = ConfigDict(frozen=True)

    file: str | None = Field(default=None, description="the recipe file, as it was named in the request")
    line: int | None = Field(default=None, description="counted from 1", ge=1)
    column: int | None = Field(default=None, description="counted from 1", ge=1)
    pointer: str | None = Field(
        default=None, description="RFC 6901, into the body; `query`, `path` or `header` before others"
    )


class FindingBody(BaseModel):
    """One fault or remark, located."""

    model_config = ConfigDict(frozen=True)

    level: str = Field(description="error, refused, would_refuse, consistency or advice")
    message: str
    place: Place
    rule: str | None = Field(default=None, description="the rule's id in the rule packs")
    source: str | None = Field(default=None, description="the document with paragraph or claim")


class Present(BaseModel):
    """A run's state and version as they are now."""

    model_config = ConfigDict(frozen=True)

    state: str
    version: int = Field(description="counts every change of state from 0", ge=0)


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:pressline:problem:outdated",
                    "title": "The run has moved on",
                    "status": 409,
                    "detail": "hold was meant for a run that is running (version 3); it is held (version 5) now",
                    "instance": "urn:pressline:request:0f3c2a9d5b1e4c77",
                    "present": {"state": "held", "version": 5},
                }
            ]
        }
    )

    type: str = Field(description="which kind of problem: a name of the table in docs/reference/problems.md")
    title: str
    status: int
    detail: str
    instance: str = Field(description="this very request, as the service's log has it")
    findings: list[FindingBody] | None = None
    present: Present | None = None


@dataclass(eq=False)
class Problem(Exception):
    """Raised wherever a request is refused. kind is a name of the table; detail is for the person who asked."""

    kind: str
    detail: str
    findings: tuple[FindingBody, ...] = ()
    present: Expected | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail

    @property
    def status(self) -> int:
        return KINDS[self.kind].status

    def body(self, instance: str) -> dict[str, Any]:
        """As it is sent."""
        kind = KINDS[self.kind]
        present = None if self.present is None else Present(state=str(self.present.state), version=self.present.version)
        return ProblemBody(
            type=kind.uri,
            title=kind.title,
            status=kind.status,
            detail=self.detail,
            instance=instance,
            findings=list(self.findings) or None,
            present=present,
        ).model_dump(mode="json", exclude_none=True)


def kind_of_status(status: int) -> str:
    """The kind that stands for a status where nothing more is known."""
    general = {400: "malformed", 401: "not-signed-in", 403: "not-authorised", 404: "unknown", 405: "method"}
    general |= {409: "conflict", 413: "too-large", 415: "media-type", 422: "invalid", 429: "too-many", 503: "unready"}
    return general.get(status, "malformed" if 400 <= status < 500 else "internal")


def located(findings: Sequence[Finding]) -> tuple[FindingBody, ...]:
    """A recipe's findings as they are sent: files by their names alone, as their folders are the service's."""
    return tuple(_located(finding) for finding in findings)


def _located(finding: Finding) -> FindingBody:
    at = finding.location
    place = Place() if at is None else Place(file=at.file.name, line=at.line, column=at.column)
    return FindingBody(
        level=finding.level, message=finding.message, place=place, rule=finding.rule_id, source=finding.source
    )
