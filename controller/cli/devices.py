"""`pressline devices`: the commands for one unit at a time. What they do is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

devices = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="TARGET is the name of a unit with --line FILE, or a URL with --profile NAME|FILE. Exit codes: 0 done;"
    " 1 refused, of unknown outcome, answered wrongly, or a value is not good; 2 unusable input; 3 nothing answers.",
)
profile = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Profiles: check a file, show what one says, print the schema."
)
devices.add_typer(profile, name="profile")

Target = Annotated[str, typer.Argument(metavar="TARGET", help="A unit of the line file, or a URL.")]
Url = Annotated[str, typer.Argument(metavar="URL", help="serial:///dev/ttyUSB0?baudrate=9600 or tcp://host:502")]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME|FILE", help="What the URL leads to: a shipped profile or a file."),
]
LineFile = Annotated[Path | None, typer.Option("--line", help="The line file that names the unit.")]
Frames = Annotated[
    bool, typer.Option("--frames", help="Show each frame on standard error: ms, direction, bytes, words.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Signals = Annotated[
    list[str] | None, typer.Argument(metavar="[SIGNAL]...", help="All polled signals if none is named.")
]
TimeoutS = Annotated[float, typer.Option("--timeout", min=0.02, max=30, help="Seconds that an answer may take.")]
PauseS = Annotated[float, typer.Option("--pause", min=0.0, max=60, help="Seconds of silence between two questions.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="End after so many seconds, not at Ctrl-C.")]
EveryS = Annotated[
    float | None, typer.Option("--every", min=0.02, help="Seconds between two looks; else the profile's.")
]
TcpPort = Annotated[
    int | None, typer.Option("--tcp", min=0, max=65535, help="Serve on this loopback port; 0: a free one.")
]
PtyLink = Annotated[
    Path | None, typer.Option("--pty", help="Serve on a serial port without hardware, under this name.")
]
STORE = Path("pressline.sqlite")


def _example(*lines: str) -> str:
    """Examples below the options; each paragraph keeps its line."""
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])


@devices.command(name="list", epilog=_example("pressline devices list", "pressline devices list line.toml --json"))
def list_(
    line: Annotated[
        Path | None, typer.Argument(help="A line file; without it serial ports and profiles are shown.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the units of a line file; or the serial ports of this computer and the shipped profiles."""
    from controller.cli.devices_look import list_devices

    raise typer.Exit(list_devices(line, as_json=as_json))


@devices.command(epilog=_example("pressline devices scan 'serial:///dev/ttyUSB0?baudrate=9600' --units 1-32"))
def scan(
    url: Url,
    units: Annotated[str, typer.Option(help="Which unit numbers are asked, such as 1-32 or 1,5,9.")] = "1-247",
    timeout: TimeoutS = 0.3,
    pause: PauseS = 0.05,
    profile: ProfileName = None,
    frames: Frames = False,
    as_json: AsJson = False,
) -> None:
    """Ask every unit number of a Modbus line once, with pauses, and say who answers. Only reads are sent."""
    from controller.cli.devices_find import SearchOptions, scan_line

    raise typer.Exit(scan_line(SearchOptions(url, profile, timeout, pause, frames, as_json), units))


@devices.command(epilog=_example("pressline devices probe 'tcp://192.0.2.7:502?unit=1' --profile ./my-press.yaml"))
def probe(
    url: Url,
    timeout: TimeoutS = 0.5,
    pause: PauseS = 0.05,
    profile: ProfileName = None,
    frames: Frames = False,
    as_json: AsJson = False,
) -> None:
    """Find out what a place speaks: functions, identification, which profile fits. Only reads are sent."""
    from controller.cli.devices_find import SearchOptions, probe_place

    raise typer.Exit(probe_place(SearchOptions(url, profile, timeout, pause, frames, as_json)))


@devices.command(epilog=_example("pressline devices identify isostatic-press-1 --line line.toml"))
def identify(
    target: Target, profile: ProfileName = None, line: LineFile = None, frames: Frames = False, as_json: AsJson = False
) -> None:
    """Say what answers, and whether it is the machine that the profile describes."""
    from controller.cli.devices_look import LookOptions, identify_device

    raise typer.Exit(identify_device(LookOptions(target, profile, line, frames, as_json)))


@devices.command(
    epilog=_example(
        "pressline devices read isostatic-press-1 --line line.toml",
        "pressline devices read 'serial:///dev/ttyUSB0?baudrate=9600&unit=3' --profile omron-e5cc pv_c --frames",
    )
)
def read(
    target: Target,
    signals: Signals = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is not polled: setpoints, echoes.")] = False,
    profile: ProfileName = None,
    line: LineFile = None,
    frames: Frames = False,
    as_json: AsJson = False,
) -> None:
    """Read signals once, each with unit and quality; the code is 1 unless all of them are good."""
    from controller.cli.devices_look import LookOptions, read_device

    options = LookOptions(target, profile, line, frames, as_json)
    raise typer.Exit(read_device(options, signals or (), everything=everything))


@devices.command(epilog=_example("pressline devices watch isostatic-press-1 pressure_a_mpa phase --line line.toml"))
def watch(
    target: Target,
    signals: Signals = None,
    every: EveryS = None,
    seconds: Seconds = None,
    profile: ProfileName = None,
    line: LineFile = None,
    frames: Frames = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line.")] = False,
) -> None:
    """Print every change of a value and of the link, with time (UTC) and quality, until Ctrl-C."""
    from controller.cli.devices_look import LookOptions, Watching, watch_device

    options = LookOptions(target, profile, line, frames, as_json)
    raise typer.Exit(watch_device(options, Watching(signals or (), every, seconds)))


@devices.command(
    epilog=_example("pressline devices write heater-1 setpoint_1_c=120 --line line.toml", "... --yes --by 'A. Person'")
)
def write(
    target: Target,
    assignment: Annotated[str, typer.Argument(metavar="SIGNAL=VALUE", help="In the signal's unit, without the unit.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts, after a look at the machine.")] = False,
    by: Annotated[str | None, typer.Option(help="Who answers for it; else the login name.")] = None,
    role: Annotated[str, typer.Option(help="In which role: an engineer may write by hand.")] = "engineer",
    store: Annotated[Path, typer.Option(help="The file whose journal keeps what was written.")] = STORE,
    profile: ProfileName = None,
    line: LineFile = None,
    frames: Frames = False,
    as_json: AsJson = False,
) -> None:
    """Write one value once and read it back: applied, refused or unknown. Never sent twice.

    Only writable signals within their limits, never the handshake's own. A machine has to be in mode MAINTENANCE, at
    rest, and nobody else's: no lease in it, no service on the line file. Instruments have no such state.
    """
    from controller.cli.devices_look import LookOptions
    from controller.cli.devices_write import WriteOptions, write_value

    look = LookOptions(target, profile, line, frames, as_json)
    raise typer.Exit(write_value(WriteOptions(look, assignment, yes, by, store, role)))


@profile.command(epilog=_example("pressline devices profile check ./my-press.yaml"))
def check(file: Annotated[Path, typer.Argument(help="The profile's YAML file.")], as_json: AsJson = False) -> None:
    """Check a profile's file; every mistake is told with its line and column."""
    from controller.cli.devices_profile import check_file

    raise typer.Exit(check_file(file, as_json=as_json))


@profile.command(
    epilog=_example(
        "pressline devices profile show eurotherm-3216",
        "pressline devices profile show uniaxial-press-generic --text > my-press.yaml",
    )
)
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped profile or a file.")],
    text: Annotated[bool, typer.Option("--text", help="Print the file itself, to start a new one from.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a profile says: signals, requests, times, commands."""
    from controller.cli.devices_profile import show_profile

    raise typer.Exit(show_profile(name, text=text, as_json=as_json))


@profile.command(epilog=_example("pressline devices profile schema --output profile.schema.json"))
def schema(
    output: Annotated[Path | None, typer.Option("--output", help="Write it there instead of printing it.")] = None,
) -> None:
    """Print the JSON Schema of profiles, for the completion and checks of an editor."""
    from controller.cli.devices_profile import print_schema

    raise typer.Exit(print_schema(output))


@devices.command(
    epilog=_example(
        "pressline devices serve ./my-press.yaml --tcp 5020 --set mode=MAINTENANCE",
        "pressline devices serve omron-e5cc --pty /tmp/heater",
    )
)
def serve(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="A shipped profile or a file.")],
    tcp: TcpPort = None,
    pty: PtyLink = None,
    rtu: Annotated[bool, typer.Option("--rtu", help="With --tcp: RTU frames, as serial servers carry them.")] = False,
    unit: Annotated[
        int | None, typer.Option(min=1, max=247, help="The unit number that answers; else the profile's.")
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="SIGNAL=VALUE", help="What it holds at first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a controller that obeys a profile and has nothing behind it, so that the profile can be tried."""
    from controller.cli.devices_bench import ServeOptions, serve_profile

    raise typer.Exit(serve_profile(ServeOptions(profile, tcp, pty, rtu, unit, tuple(values or ()), as_json)))


@devices.command(
    epilog=_example("pressline devices record fault.jsonl isostatic-press-1 --line line.toml --seconds 60")
)
def record(
    file: Annotated[Path, typer.Argument(help="Where to; a file that is there is not written over.")],
    target: Target,
    every: EveryS = None,
    seconds: Seconds = None,
    profile: ProfileName = None,
    line: LineFile = None,
    frames: Frames = False,
    as_json: AsJson = False,
) -> None:
    """Record every byte on the wire while the unit is identified and watched, until Ctrl-C. Only reads are sent."""
    from controller.cli.devices_bench import record_wire
    from controller.cli.devices_look import LookOptions, Watching

    options = LookOptions(target, profile, line, frames, as_json)
    raise typer.Exit(record_wire(file, options, Watching((), every, seconds)))


@devices.command(epilog=_example("pressline devices replay fault.jsonl --tcp 5020"))
def replay(
    file: Annotated[Path, typer.Argument(help="A recording.")],
    tcp: TcpPort = None,
    pty: PtyLink = None,
    place: Annotated[str | None, typer.Option(help="Which of several recorded places, as host:port or port.")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a recording: each recorded request gets the recorded answer, with the recorded delay, until Ctrl-C."""
    from controller.cli.devices_bench import replay_wire

    raise typer.Exit(replay_wire(file, tcp, pty, place, as_json=as_json))
