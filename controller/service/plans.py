"""Which plan an order means, and why it may or may not be run on this line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.journal import JournalError
from controller.line import Line
from controller.service.errors import Conflict, Finding, Invalid, ServiceError, Unknown, Unready
from controller.service.orders import RunOrder
from controller.service.settings import ServiceSettings
from controller.store.errors import NotApproved, VersionUnknown, WordsUnusable
from recipes.findings import RecipeErrors
from recipes.plan import Plan, Refused

MOST_PRIORITY = 9


async def ordered_plan(order: RunOrder, settings: ServiceSettings, line: Line) -> tuple[Plan, Mapping[str, Any] | None]:
    """The plan that an order means, and who approved it; nobody where a plan was given. Raises ServiceError."""
    found = _wrong(order, settings)
    if found:
        raise Invalid(found)
    if order.plan is not None:
        _refuse_other_line(order.plan, line)
        return order.plan, None
    if settings.plans is None:
        raise Unready("this line has no stored recipes")
    try:
        plan, approval = await settings.plans.approved(order.recipe, order.version)
    except (NotApproved, VersionUnknown, WordsUnusable, Refused, RecipeErrors) as error:
        raise _in_words(error) from error
    except JournalError as error:  # the store cannot be looked up
        raise Unready(str(error)) from error
    _refuse_other_line(plan, line)
    return plan, approval


def _wrong(order: RunOrder, settings: ServiceSettings) -> list[Finding]:
    found = []
    if not -MOST_PRIORITY <= order.priority <= MOST_PRIORITY:
        found.append(Finding("priority", f"is {order.priority}; expected -{MOST_PRIORITY} to {MOST_PRIORITY}"))
    if order.plan is None:
        if not order.recipe.strip():
            found.append(Finding("recipe", "is empty; expected the name of a stored recipe"))
    elif order.recipe or order.version is not None:
        found.append(Finding("plan", "is given beside a stored recipe; only one of them can be meant"))
    elif settings.simulation is None:
        found.append(Finding("plan", "nobody has approved it; real machines run approved plans only"))
    return found


def _refuse_other_line(plan: Plan, line: Line) -> None:
    there = line.machines.keys() | line.instruments.keys()
    if missing := sorted({step.unit for step in plan.steps if step.unit is not None} - there):
        raise Invalid([Finding("plan", f"is made for another line; here is no {', '.join(missing)}")])


def _in_words(error: Exception) -> ServiceError:
    match error:
        case NotApproved():
            return Conflict(str(error))
        case VersionUnknown():
            return Unknown(str(error))
        case Refused() | RecipeErrors():
            return Invalid([Finding(str(found.location), found.message) for found in error.findings])
    return Invalid([Finding("recipe", str(error))])
