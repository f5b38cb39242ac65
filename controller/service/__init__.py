"""The line as a hosted thing (see docs/explanation/service.md): views of it, and commands to it, for months."""

from __future__ import annotations

from controller.service.by_hand import Operated
from controller.service.errors import Conflict, Finding, Invalid, ServiceError, Unknown, Unready
from controller.service.hosting import line_service
from controller.service.orders import Given, Leave, LotAct, ManualCommand, RunOrder, Write
from controller.service.service import LineService
from controller.service.settings import PlanSource, ServiceSettings
from controller.service.views import (
    AlarmView,
    BypassView,
    EntryView,
    InterlockView,
    LineView,
    PromptView,
    RunBrief,
    RunView,
    StepView,
    UnitBrief,
    UnitView,
    ValueView,
)

__all__ = [
    "AlarmView",
    "BypassView",
    "Conflict",
    "EntryView",
    "Finding",
    "Given",
    "InterlockView",
    "Invalid",
    "Leave",
    "LineService",
    "LineView",
    "LotAct",
    "ManualCommand",
    "Operated",
    "PlanSource",
    "PromptView",
    "RunBrief",
    "RunOrder",
    "RunView",
    "ServiceError",
    "ServiceSettings",
    "StepView",
    "UnitBrief",
    "UnitView",
    "Unknown",
    "Unready",
    "ValueView",
    "Write",
    "line_service",
]
