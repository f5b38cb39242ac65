"""Which tests judge the mutants of a module."""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """Test files: those that are quick when called without pytest, and more for what they leave alive."""

    quick: tuple[str, ...]
    more: tuple[str, ...] = ()


RULES = Target(
    ("tests/recipes/test_relations.py", "tests/recipes/test_engine.py", "tests/recipes/test_rules.py"),
    ("tests/recipes/test_judging.py", "tests/recipes/test_every_rule.py"),
)
INTERLOCKS = Target(
    (
        "tests/controller/test_matrix.py",
        "tests/controller/test_interlock_watch.py",
        "tests/controller/test_pressurised.py",
        "tests/controller/test_devices_guard.py",
        "tests/controller/test_interlocks.py",
    ),
    ("tests/controller/test_interlock_page.py",),
)
WATCH = Target(("tests/controller/test_interlock_watch.py", "tests/controller/test_matrix.py"))
GUARD = Target(
    ("tests/controller/test_guard.py",), ("tests/controller/test_interlocks.py", "tests/controller/test_bypasses.py")
)
BYPASS = Target(("tests/controller/test_bypasses.py",))

TARGETS: dict[str, Target] = {
    "controller/executor/states.py": Target(("tests/controller/test_state_table.py",)),
    "recipes/rules/engine.py": RULES,
    "recipes/rules/rule.py": Target(RULES.quick, (*RULES.more, "tests/recipes/test_pack_files.py")),
    "recipes/rules/relations.py": RULES,
    "controller/guard.py": GUARD,
    "controller/setpoints.py": Target(("tests/controller/test_setpoints.py",)),
    "controller/interlocks/row.py": INTERLOCKS,
    "controller/interlocks/judging.py": INTERLOCKS,
    "controller/interlocks/conditions.py": INTERLOCKS,
    "controller/interlocks/matrix.py": INTERLOCKS,
    "controller/interlocks/rows_every.py": INTERLOCKS,
    "controller/interlocks/rows_presses.py": INTERLOCKS,
    "controller/interlocks/rows_webs.py": INTERLOCKS,
    "controller/interlocks/watch.py": WATCH,
    "controller/interlocks/bypass.py": BYPASS,
    "controller/authority.py": Target(("tests/controller/test_authority.py",)),
}
