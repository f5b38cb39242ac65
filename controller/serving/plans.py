"""Approved plans of a store, for the service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from controller.place import Place
from controller.store.recipes import approved_plan
from controller.store.shelf import Approval
from recipes.plan import Plan, UnitCapability


def approval_data(approval: Approval) -> dict[str, Any]:
    """Who approved what is run, for the run's record; the hash ties it to the store's chain of recipes."""
    return {
        "recipe": approval.recipe,
        "version": approval.version,
        "by": approval.by,
        "utc": approval.utc,
        "meaning": approval.meaning,
        "text_sha256": approval.text_sha256,
        "hash": approval.hash,
    }


class StoredPlans:
    """The plans of a store on a line with these capabilities; read and planned beside the loop.

    A version that loosens a rule is run only if two people have approved it.
    """

    def __init__(self, store: Place, units: Sequence[UnitCapability]) -> None:
        self._store, self._units = store, units

    async def approved(self, recipe: str, version: int | None) -> tuple[Plan, Mapping[str, Any]]:
        """See controller.service.settings.PlanSource."""
        find = partial(approved_plan, self._store, recipe, version, self._units, two_sign=True)
        plan, approval = await asyncio.get_running_loop().run_in_executor(None, find)
        return plan, approval_data(approval)
