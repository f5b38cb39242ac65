"""The exit codes of every command, and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Advisory rules never change the code."""

    PASSED = 0
    """every applicable claim and required rule passes on evidence that counts"""
    REFUSED = 1
    """refused, failed, undetermined or held"""
    UNUSABLE = 2
    """unusable input: a recipe, a line file, a store or an option"""
    UNREACHABLE = 3
    """a machine could not be reached"""


BINDING = ("claim", "required")
KEPT_BACK = ("scrap", "quarantine")


def code_of(record: dict[str, Any]) -> ExitCode:
    """The exit code that a run's record deserves."""
    rules = record["certificate"]["rules"]
    passed = bool(rules) and all(rule["verdict"] == "pass" for rule in rules if rule["severity"] in BINDING)
    kept_back = any(lot["status"] in KEPT_BACK for lot in record.get("lots", ()))
    return ExitCode.PASSED if passed and record["state"] == "complete" and not kept_back else ExitCode.REFUSED
