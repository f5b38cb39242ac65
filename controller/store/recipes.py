"""Recipes of a store: versions, comments and approvals by name, and the plan that an approval allows to be run.

A version is a recipe's text byte for byte with its own rule packs; nothing of it ever changes. An approval signs the
plan of one version on one line by its hash. It is valid until the version's approvals are withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.place import Place
from controller.store.database import reading, writing
from controller.store.errors import ApprovalRefused, NotApproved, StoreDamaged
from controller.store.files import RecipeFiles, read_files, staged
from controller.store.plans import differences
from controller.store.records import Draft, append, read_chain, read_text, sha256, text_faults
from controller.store.shelf import Approval, Shelf, Version, shelf_of
from controller.store.words import Reference, person, reference, same_person, words
from recipes.findings import Finding
from recipes.load import load_recipe
from recipes.loosening import loosened
from recipes.model import Recipe
from recipes.plan import Plan, Refused, UnitCapability, make_plan, recipe_sha256
from recipes.rules.rulebook import rulebook

SHOWN_DIFFERENCES = 5  # of two plans; what differs at all differs in a few places or everywhere


@dataclass(frozen=True, slots=True)
class Added:
    """What `add` did: new is False where the newest version has the same bytes; refusal says why there is no plan."""

    version: Version
    new: bool
    refusal: tuple[Finding, ...]


class RecipeStore:
    """Writes recipes into one store file; every method opens the file for as long as it works.

    All methods raise StoreUnusable, StoreBusy, StoreDamaged, WordsUnusable and VersionUnknown besides what they name.
    """

    def __init__(self, path: Place, utc: Callable[[], str]) -> None:
        self.path = path
        self._utc = utc

    def add(self, file: Path, by: str, comment: str, line: str, units: Sequence[UnitCapability]) -> Added:
        """The file as the next version of its recipe, with its plan on a line (named `line`) if there is one.

        Raises RecipeErrors with located findings.
        """
        by, comment = person(by), words(comment, "--comment")
        files, recipe = read_files(file)
        plan: Plan | None = None
        refusal: tuple[Finding, ...] = ()
        try:
            with staged(files, file) as copy:
                plan = make_plan(load_recipe(copy), units)
        except Refused as error:
            refusal = error.findings
        data = {"comment": comment, "line": line, **_described(files, recipe, plan)}

        def decide(shelf: Shelf) -> Draft | None:
            number = 1
            if recipe.name in shelf.recipes:
                newest = shelf.version(Reference(recipe.name))
                if (newest.text_sha256, dict(newest.packs)) == (data["text"], data["packs"]):
                    return None
                number = newest.number + 1
            return Draft("version", recipe.name, number, by, data, _texts(files, plan))

        shelf, draft = self._append(decide, make=True)
        number = None if draft is None else draft.version
        return Added(shelf.version(Reference(recipe.name, number)), draft is not None, refusal)

    def comment(self, of: Reference, text: str, by: str) -> Version:
        """Adds a comment to a version."""
        by, text = person(by), words(text, "the comment", needed=True)

        def decide(shelf: Shelf) -> Draft:
            version = shelf.version(of)
            return Draft("comment", version.recipe, version.number, by, {"text": text})

        return self._append(decide)[0].version(of)

    def approve(
        self, of: Reference, by: str, meaning: str, line: str, units: Sequence[UnitCapability], *, four_eyes: bool
    ) -> tuple[Version, Plan]:
        """Signs the plan of a version on a line, by name.

        Raises:
            RecipeErrors, Refused: there is no plan of it on this line.
            ApprovalRefused: this person has approved this plan already, or (with four_eyes) has added the version.
        """
        by, meaning = person(by), words(meaning, "--meaning")
        version = _whole(self.path).version(of)
        plan = plan_of(self.path, version, units)

        def decide(shelf: Shelf) -> Draft:
            current = shelf.version(of)
            _refuse_approval(current, by, plan, four_eyes=four_eyes)
            data = {"of": current.hash, "plan": plan.hash, "line": line, "meaning": meaning, "four_eyes": four_eyes}
            return Draft("approved", current.recipe, current.number, by, data, _plan_text(plan))

        return self._append(decide)[0].version(of), plan

    def withdraw(self, of: Reference, by: str, reason: str) -> Version:
        """Ends the validity of a version's approvals, which stay in its history.

        Raises ApprovalRefused if there is none.
        """
        by, reason = person(by), words(reason, "--reason", needed=True)

        def decide(shelf: Shelf) -> Draft:
            version = shelf.version(of)
            if not version.valid_approvals:
                raise ApprovalRefused(f"{version} has no valid approval that could be withdrawn")
            return Draft("withdrawn", version.recipe, version.number, by, {"reason": reason})

        return self._append(decide)[0].version(of)

    def _append(self, decide: Callable[[Shelf], Draft | None], *, make: bool = False) -> tuple[Shelf, Draft | None]:
        """Writes what decide wants, seeing all that is stored; it decides anew if somebody else was faster.

        Returns the shelf with what was written, and what that is.
        """
        with writing(self.path, make=make) as database:
            while True:
                chain = read_chain(database)
                shelf = shelf_of(chain.records, chain.faults)
                _refuse_damage(self.path, shelf.faults)
                if (draft := decide(shelf)) is None:
                    return shelf, None
                if (record := append(database, chain.head, draft, self._utc())) is not None:
                    return shelf_of((*chain.records, record)), draft


def read_shelf(store: Place, *, with_texts: bool = False) -> Shelf:
    """Everything that is stored; damage is in its faults. with_texts looks at each stored text too, which takes longer.

    Raises StoreUnusable or StoreBusy.
    """
    with reading(store) as database:
        chain = read_chain(database)
        faults = text_faults(database) if with_texts else []
    return shelf_of(chain.records, (*chain.faults, *faults))


def files_of(store: Place, version: Version) -> RecipeFiles:
    """The exact files of a version. Raises StoreDamaged when they are not what was added."""
    with reading(store) as database:
        found = {digest: read_text(database, digest) for digest in (version.text_sha256, *version.packs.values())}
    contents = {digest: content for digest, content in found.items() if content is not None}
    if missing := found.keys() - contents.keys():
        _refuse_damage(store, [f"the text {min(missing)} of {version} was changed or removed"])
    packs = {name: contents[digest] for name, digest in version.packs.items()}
    return RecipeFiles(contents[version.text_sha256], packs)


def plan_of(store: Place, version: Version, units: Sequence[UnitCapability]) -> Plan:
    """The plan of a stored version. Raises RecipeErrors and Refused; their findings call it NAME@VERSION.yaml."""
    with staged(files_of(store, version), Path(f"{version}.yaml")) as copy:
        return make_plan(load_recipe(copy), units)


def loosened_by(store: Place, shelf: Shelf, version: Version, plan: Plan) -> tuple[str, ...]:
    """What a version lets go of its rules, by itself and beside the newest approved version before it, in words."""
    earlier = (v for v in reversed(shelf.versions(version.recipe)) if v.number < version.number and v.valid_approvals)
    if (before := next(earlier, None)) is None:
        return loosened(plan.recipe, plan.rules)
    with staged(files_of(store, before), Path(f"{before}.yaml")) as copy:
        recipe = load_recipe(copy)
        return loosened(plan.recipe, plan.rules, (recipe, rulebook(recipe)))


def approved_plan(
    store: Place, name: str, version: int | None, capabilities: Sequence[UnitCapability], *, two_sign: bool = False
) -> tuple[Plan, Approval]:
    """The plan that may be run, and the newest valid approval that allows it.

    two_sign: what loosens a rule needs the approvals of two people. Without a version it is the newest one that has a
    valid approval. The plan holds all rules, also those of the packs that the version brings; the places in its recipe
    are those of a copy that is gone.

    Raises:
        NotApproved: there is no valid approval, or only one where two people have to sign, or the plan on this line is
            not the one that was approved.
        StoreDamaged: what is stored was changed by other means.
        Refused, RecipeErrors: the version cannot be planned on this line, or no longer.
        StoreUnusable, StoreBusy, WordsUnusable, VersionUnknown: as their names say.
    """
    shelf = _whole(store)
    wanted = Reference(reference(name).name, version)
    found = shelf.newest_approved(wanted.name) if version is None else shelf.version(wanted)
    if found is None:
        raise NotApproved(f"no version of {name} has a valid approval; approve one with `pressline recipes approve`")
    if not found.valid_approvals:
        raise NotApproved(f"{found} has no valid approval{_why(found)}")
    plan = plan_of(store, found, capabilities)
    approval = next((a for a in reversed(found.valid_approvals) if a.plan_hash == plan.hash), None)
    if approval is None:
        raise NotApproved(_other_plan(store, found, plan))
    if two_sign:
        _refuse_one_signature(found, plan, loosened_by(store, shelf, found, plan))
    return plan, approval


def _why(version: Version) -> str:
    if not version.approvals:
        return "; approve it with `pressline recipes approve`"
    last = version.approvals[-1].withdrawn
    return "" if last is None else f": {last.by} withdrew it at {last.utc} ({last.reason})"


def _other_plan(store: Place, version: Version, plan: Plan) -> str:
    """What tells apart the plan here and the one that was approved last."""
    approval = version.valid_approvals[-1]
    with reading(store) as database:
        approved = read_text(database, approval.plan_hash)
    if approved is None:
        _refuse_damage(store, [f"the plan {approval.plan_hash} of {version} was changed or removed"])
        return ""
    found = differences(approved.decode(), plan.canonical_json)
    more = [f"and {len(found) - SHOWN_DIFFERENCES} more"] if len(found) > SHOWN_DIFFERENCES else []
    what = (
        f"{version}: the plan on this line ({plan.hash}) is not the one that {approval.by} approved for"
        f" {approval.line} ({approval.plan_hash}); it differs in"
    )
    return "\n  ".join([what, *found[:SHOWN_DIFFERENCES], *more])


def _described(files: RecipeFiles, recipe: Recipe, plan: Plan | None) -> dict[str, object]:
    return {
        "title": recipe.title,
        "purpose": recipe.purpose.value,
        "text": sha256(files.text),
        "bytes": len(files.text),
        "content": recipe_sha256(recipe),
        "packs": {name: sha256(content) for name, content in files.packs.items()},
        "plan": None if plan is None else plan.hash,
    }


def _texts(files: RecipeFiles, plan: Plan | None) -> dict[str, bytes]:
    texts = {sha256(content): content for content in (files.text, *files.packs.values())}
    return texts if plan is None else texts | _plan_text(plan)


def _plan_text(plan: Plan) -> dict[str, bytes]:
    """A plan's hash is the SHA-256 of its canonical text, so that it is stored like every other text."""
    return {plan.hash: plan.canonical_json.encode()}


def _refuse_approval(version: Version, by: str, plan: Plan, *, four_eyes: bool) -> None:
    if four_eyes and same_person(version.by, by):
        raise ApprovalRefused(f"{version} was added by {version.by}; --four-eyes asks another person to approve it")
    for approval in version.valid_approvals:
        if same_person(approval.by, by) and approval.plan_hash == plan.hash:
            raise ApprovalRefused(f"{approval.by} has approved this plan of {version} already, at {approval.utc}")


def _refuse_one_signature(version: Version, plan: Plan, lets_go: Sequence[str]) -> None:
    signed = [approval.by for approval in version.valid_approvals if approval.plan_hash == plan.hash]
    if lets_go and all(same_person(who, signed[0]) for who in signed):
        what = f"{version} loosens its rules, and only {signed[0]} has approved it; another person has to, too"
        raise NotApproved("\n  ".join([what, *lets_go[:SHOWN_DIFFERENCES]]))


def _whole(store: Place) -> Shelf:
    shelf = read_shelf(store)
    _refuse_damage(store, shelf.faults)
    return shelf


def _refuse_damage(store: Place, faults: Iterable[str]) -> None:
    for fault in faults:
        raise StoreDamaged(f"{store}: stored recipes are damaged: {fault}; keep this file and use another --store")
