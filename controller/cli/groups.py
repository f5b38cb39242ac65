"""Groups of commands. Each function is named as its group, says what that is for, and imports it when it is wanted."""

from __future__ import annotations

import typer

from controller.cli.lazy import groups_of


def recipes() -> typer.Typer:
    """Keep versions of recipes in the store, comment on them, and approve them by name."""
    from controller.cli import library

    return library.recipes


def devices() -> typer.Typer:
    """Look for machines and instruments, read them, write one value by hand, try profiles, record the wire."""
    from controller.cli import devices

    return devices.devices


def faults() -> typer.Typer:
    """Faults of simulated lines: list them, inject them into a line that `pressline simulate` serves, clear them."""
    from controller.cli import faults

    return faults.faults


def alarms() -> typer.Typer:
    """Alarms after ISA-18.2: what stands, what happened, how good the alarm system is; acknowledge and shelve."""
    from controller.cli import alarms

    return alarms.alarms


def interlocks() -> typer.Typer:
    """Permissives and interlocks: what is checked of each machine, what follows, and what is bypassed."""
    from controller.cli import interlocks

    return interlocks.interlocks


def lots() -> typer.Typer:
    """Lots of all runs: their status, their time outside the dry room, and who decided on them."""
    from controller.cli import lots

    return lots.lots


def rules() -> typer.Typer:
    """Rule packs: list them, explain a rule, check one."""
    from controller.cli import rules_commands

    return rules_commands.rules


def users() -> typer.Typer:
    """Users of a line: who may come in, and in which role. Works on the store while no service holds it."""
    from controller.cli import users

    return users.users


def tokens() -> typer.Typer:
    """Tokens of programs, each in a user's name. Works on the store while no service holds it."""
    from controller.cli import tokens

    return tokens.tokens


def audit() -> typer.Typer:
    """The audit: who did what, when, from where, and why. `pressline verify` checks that nobody altered it."""
    from controller.cli import audit

    return audit.audit


def trends() -> typer.Typer:
    """Trends that a service recorded: every value of every unit, with its quality. Times are UTC."""
    from controller.cli import trends

    return trends.trends


def telemetry() -> typer.Typer:
    """What is published over MQTT, and what waits for the broker."""
    from controller.cli import telemetry

    return telemetry.telemetry


def service() -> typer.Typer:
    """A running service over its API: look at it, order runs, hold, answer, acknowledge.

    Its address and a token of one's own come by options or by PRESSLINE_URL and PRESSLINE_TOKEN_FILE.
    """
    from controller.cli import service

    return service.service


def fleet() -> typer.Typer:
    """All lines of a plant, as its database knows them. The lines' own stores stay the ones that count."""
    from controller.cli import fleet

    return fleet.fleet


GROUPS = groups_of(
    recipes,
    devices,
    faults,
    alarms,
    interlocks,
    lots,
    rules,
    users,
    tokens,
    audit,
    trends,
    telemetry,
    service,
    fleet,
)
