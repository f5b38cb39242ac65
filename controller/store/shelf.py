"""The records of a store folded into recipes, their versions, and what was said of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from controller.store.errors import VersionUnknown
from controller.store.records import Record
from controller.store.words import Reference

State = Literal["draft", "approved", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said of a version."""

    by: str
    utc: str
    text: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The end of all approvals that a version had until then."""

    by: str
    utc: str
    reason: str
    hash: str


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of one version's plan on one line.

    hash is that of its record, which stands for everything that was stored before it; who keeps it elsewhere (a run's
    record, paper) can tell a store that was made up anew. four_eyes says that the person who added was asked not to
    approve. withdrawn is None as long as the approval is valid.
    """

    recipe: str
    version: int
    by: str
    utc: str
    meaning: str
    line: str
    plan_hash: str
    text_sha256: str
    four_eyes: bool
    sequence: int
    hash: str
    withdrawn: Withdrawal | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a recipe, numbered from 1, and what was said of it in the order in which it was said.

    text_sha256 is of the exact text, content_sha256 of what it means (the recipe's canonical JSON, without places and
    remarks), packs are path -> SHA-256 of the rule packs that it brings. plan_hash is of its plan on `line` when it
    was added, None where there was none.
    """

    recipe: str
    number: int
    by: str
    utc: str
    comment: str
    title: str
    purpose: str
    text_sha256: str
    bytes: int
    content_sha256: str
    packs: Mapping[str, str]
    plan_hash: str | None
    line: str
    sequence: int
    hash: str
    comments: tuple[Comment, ...] = ()
    approvals: tuple[Approval, ...] = ()

    @property
    def valid_approvals(self) -> tuple[Approval, ...]:
        return tuple(approval for approval in self.approvals if approval.withdrawn is None)

    @property
    def state(self) -> State:
        if not self.approvals:
            return "draft"
        return "approved" if self.valid_approvals else "withdrawn"

    def __str__(self) -> str:
        return f"{self.recipe}@{self.number}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Everything that is stored: versions by recipe, oldest first; faults tells what was changed by other means."""

    recipes: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def version(self, reference: Reference) -> Version:
        """A version, or the newest one of its recipe where none is named. Raises VersionUnknown."""
        versions = self.versions(reference.name)
        if reference.version is None:
            return versions[-1]
        for version in versions:
            if version.number == reference.version:
                return version
        raise VersionUnknown(f"there is no {reference}; the newest is {versions[-1]}")

    def versions(self, name: str) -> tuple[Version, ...]:
        """All versions of a recipe, oldest first. Raises VersionUnknown."""
        if versions := self.recipes.get(name):
            return versions
        known = ", ".join(sorted(self.recipes)) or "none yet"
        raise VersionUnknown(f"no recipe {name} is stored; stored: {known}")

    def newest_approved(self, name: str) -> Version | None:
        """The newest version with a valid approval. Raises VersionUnknown for a recipe that is not stored."""
        return next((version for version in reversed(self.versions(name)) if version.valid_approvals), None)


def shelf_of(records: Iterable[Record], faults: Iterable[str] = ()) -> Shelf:
    """Folds records in their order; one that says nothing that can be understood becomes a fault."""
    versions: dict[tuple[str, int], Version] = {}
    found = list(faults)
    for record in records:
        key = (record.recipe, record.version)
        try:
            if record.kind == "version":
                versions[key] = _version(record)
            else:
                versions[key] = _said(versions[key], record)
        except (KeyError, TypeError, AttributeError):
            found.append(f"record {record.sequence} ({record.kind} of {record.recipe}@{record.version}) makes no sense")
    recipes: dict[str, tuple[Version, ...]] = {}
    for version in versions.values():
        recipes[version.recipe] = (*recipes.get(version.recipe, ()), version)
    return Shelf(recipes, tuple(found))


def _version(record: Record) -> Version:
    data = record.data
    return Version(
        recipe=record.recipe,
        number=record.version,
        by=record.by,
        utc=record.utc,
        comment=data["comment"],
        title=data["title"],
        purpose=data["purpose"],
        text_sha256=data["text"],
        bytes=data["bytes"],
        content_sha256=data["content"],
        packs=dict(data["packs"]),
        plan_hash=data["plan"],
        line=data["line"],
        sequence=record.sequence,
        hash=record.hash,
    )


def _said(version: Version, record: Record) -> Version:
    data: Mapping[str, Any] = record.data
    match record.kind:
        case "comment":
            return replace(version, comments=(*version.comments, Comment(record.by, record.utc, data["text"])))
        case "approved":
            return replace(version, approvals=(*version.approvals, _approval(version, record)))
        case "withdrawn":
            withdrawal = Withdrawal(record.by, record.utc, data["reason"], record.hash)
            ended = (a if a.withdrawn is not None else replace(a, withdrawn=withdrawal) for a in version.approvals)
            return replace(version, approvals=tuple(ended))
    raise KeyError(record.kind)


def _approval(version: Version, record: Record) -> Approval:
    data = record.data
    if data["of"] != version.hash:
        raise KeyError("of")
    return Approval(
        recipe=version.recipe,
        version=version.number,
        by=record.by,
        utc=record.utc,
        meaning=data["meaning"],
        line=data["line"],
        plan_hash=data["plan"],
        text_sha256=version.text_sha256,
        four_eyes=data["four_eyes"],
        sequence=record.sequence,
        hash=record.hash,
    )
