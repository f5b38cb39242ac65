"""`pressline service`: a running service from a terminal, over its API and with one's own rights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.options import AsJson

if TYPE_CHECKING:
    from controller.cli.asking import Asker

service = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A running service over its API: look at it, order runs, hold, answer, acknowledge. Its address and a token of"
    " one's own come by options or by the environment: PRESSLINE_URL, PRESSLINE_TOKEN_FILE.",
)
Url = Annotated[str | None, typer.Option("--url", help="Where the service is; else PRESSLINE_URL.")]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="A file with a token; else PRESSLINE_TOKEN_FILE or PRESSLINE_TOKEN.")
]
Ca = Annotated[Path | None, typer.Option("--ca", help="The certificate that the service's own one is checked with.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's name.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for whoever reads the record.")]
Work = Callable[["Asker"], tuple[Any, str]]


def _with_service(url: str | None, token_file: Path | None, ca: Path | None, work: Work, *, as_json: bool) -> None:
    """Asks, prints the answer as text or JSON, and ends the command."""
    import json

    from controller.cli.asking import Asker, AskFailed

    try:
        data, text = work(Asker.of(url, token_file, ca))
    except AskFailed as error:
        typer.echo(error, err=True)
        raise typer.Exit(error.code) from None
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False) if as_json else text)


# ---------------------------------------------------------------------- looking


@service.command()
def show(
    unit: Annotated[str | None, typer.Argument(help="One unit with its values and interlocks; else the line.")] = None,
    url: Url = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """The line at a glance: units, runs, alarms, prompts, bypasses; or one unit with what keeps it from being used."""
    from controller.cli import service_words as words
    from controller.cli.asking import part

    def work(asker: Asker) -> tuple[Any, str]:
        if unit is None:
            found = asker.get("/line")
            return found, words.line(found)
        found = asker.get(f"/units/{part(unit)}")
        return found, words.unit(found)

    _with_service(url, token_file, ca, work, as_json=as_json)


@service.command()
def runs(
    past: Annotated[bool, typer.Option("--past", help="Those of the record instead, the newest first.")] = False,
    since: Annotated[str | None, typer.Option(help="With --past: only since this time, such as 2026-11-01.")] = None,
    url: Url = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """The runs that are open and those that ended last; or all that are recorded."""
    from controller.cli import service_words as words

    def work(asker: Asker) -> tuple[Any, str]:
        if not past:
            found = asker.get("/runs")
            return found, words.runs(found)
        found = asker.get("/history", since=None if since is None else words.moment(since), limit=200)
        return found, words.past_runs(found)

    _with_service(url, token_file, ca, work, as_json=as_json)


@service.command()
def prompts(url: Url = None, token_file: TokenFile = None, ca: Ca = None, as_json: AsJson = False) -> None:
    """What people are asked now; `answer` answers."""
    from controller.cli import service_words as words

    def work(asker: Asker) -> tuple[Any, str]:
        found = asker.get("/prompts")
        return found, words.prompts(found)

    _with_service(url, token_file, ca, work, as_json=as_json)


@service.command()
def alarms(url: Url = None, token_file: TokenFile = None, ca: Ca = None, as_json: AsJson = False) -> None:
    """The alarms that stand, with what to do; then those that are hidden."""
    from controller.cli import service_words as words

    def work(asker: Asker) -> tuple[Any, str]:
        found = asker.get("/alarms")
        return found, words.alarms(found)

    _with_service(url, token_file, ca, work, as_json=as_json)


@service.command()
def lots(
    lot: Annotated[str | None, typer.Argument(metavar="RUN/LOT", help="One lot with all that is known of it.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only lots that are: in work, quarantine, released, scrap.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also lots that went into another one.")] = False,
    last: Annotated[int, typer.Option("--runs", min=1, max=50, help="Of so many runs, the newest.")] = 10,
    url: Url = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """The lots of the newest runs, or one of them."""
    from controller.cli import service_words as words

    def work(asker: Asker) -> tuple[Any, str]:
        if lot is not None:
            found = asker.get(words.lot_path(lot))
            return found, words.lot(found)
        found = asker.get("/lots", status=status, every=str(every).lower(), runs=last)
        return found, words.lots(found)

    _with_service(url, token_file, ca, work, as_json=as_json)


@service.command()
def certificate(
    run: Run,
    output: Annotated[Path, typer.Option("--output", help="The new file: .json, .html or .pdf.")],
    url: Url = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a run's certificate into a new file, in the form that its name ends in."""
    from controller.cli.asking import AskFailed, part
    from controller.cli.output import OutputRefused, write_new

    def work(asker: Asker) -> tuple[Any, str]:
        form = output.suffix.removeprefix(".").lower()
        if form not in ("json", "html", "pdf"):
            raise AskFailed(f"{output}: expected a name that ends in .json, .html or .pdf", ExitCode.UNUSABLE)
        content = asker.file(f"/runs/{part(run)}/certificate", form=form)
        try:
            write_new(output, content)
        except OutputRefused as error:
            raise AskFailed(str(error), ExitCode.UNUSABLE) from None
        return {"file": str(output), "bytes": len(content)}, f"{output}: the certificate of run {run}"

    _with_service(url, token_file, ca, work, as_json=as_json)


# ---------------------------------------------------------------------- commanding


@service.command()
def start(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE[@VERSION]", help="A stored recipe; its newest approval.")],
    priority: Annotated[int, typer.Option(min=-9, max=9, help="A higher one is given units and people first.")] = 0,
    rearm: Annotated[
        bool, typer.Option("--rearm", help="Reset machines that are not idle; look at them first.")
    ] = False,
    reason: Why = "",
    url: Url = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Start a run of an approved recipe."""
    from controller.cli import service_words as words

    def work(asker: Asker) -> tuple[Any, str]:
        name, version = words.recipe(recipe)
        order = {"recipe": name, "version": version, "priority": priority, "rearm": rearm, "reason": reason}
        found = asker.post("/runs", order)
        return found, words.runs([found])

    _with_service(url, token_file, ca, work, as_json=as_json)


def _command(name: str, action: str, words_of_it: str, *, needs_view: bool) -> None:
    def commanded(
        run: Run,
        reason: Why = "",
        url: Url = None,
        token_file: TokenFile = None,
        ca: Ca = None,
        as_json: AsJson = False,
    ) -> None:
        from controller.cli import service_words as words
        from controller.cli.asking import part

        def work(asker: Asker) -> tuple[Any, str]:
            path = f"/runs/{part(run)}"
            body: dict[str, Any] = {"reason": reason}
            if needs_view:
                seen = asker.get(path)
                body["expected"] = {"state": seen["state"], "version": seen["version"]}
            was = asker.post(f"{path}/{action}", body)
            found = words.settled(lambda: asker.get(path), was)
            return found, words.runs([found])

        _with_service(url, token_file, ca, work, as_json=as_json)

    service.command(name, help=words_of_it)(commanded)


_command("hold", "hold", "Hold a run: its machines are brought to where they may wait.", needs_view=False)
_command("stop", "stop", "Stop a run in order.", needs_view=False)
_command("abort", "abort", "Abort a run: machines are made safe, never by a faster decompression.", needs_view=False)
_command("pause", "pause", "Pause a run at the next point where it may.", needs_view=False)
_command("go-on", "go-on", "Let a paused run go on, if it is still where it was a moment ago.", needs_view=True)
_command("restart", "restart", "Restart a held run, if it is still where it was a moment ago.", needs_view=True)
_command("close", "close", "Close the record of a run that was left; no machine is asked.", needs_view=True)


@service.command()
def answer(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="The prompt's id, as `prompts` has it.")],
    lot: Annotated[list[str] | None, typer.Option(help="A lot in hand, RUN/LOT; once for each.")] = None,
    value: Annotated[list[str] | None, typer.Option(help="NAME=NUMBER in the entry's unit; once for each.")] = None,
    choice: Annotated[str | None, typer.Option(help="One of the prompt's choices.")] = None,
    reason: Why = "",
    impossible: Annotated[str, typer.Option(help="Why it cannot be done; the run is held then.")] = "",
    url: Url = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Answer a prompt."""
    from controller.cli import service_words as words
    from controller.cli.asking import part

    def work(asker: Asker) -> tuple[Any, str]:
        body = {"lots": lot or [], "values": words.values(value or []), "choice": choice}
        asker.post(f"/prompts/{part(prompt)}/answer", body | {"why": reason, "impossible": impossible})
        return {"answered": prompt}, f"{prompt} is answered"

    _with_service(url, token_file, ca, work, as_json=as_json)


@service.command()
def acknowledge(
    alarm: Annotated[list[str], typer.Argument(metavar="ALARM...", help="Keys, NAME@UNIT; all of them or none.")],
    reason: Why = "",
    url: Url = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Say that you have seen these alarms."""
    from controller.cli import service_words as words

    def work(asker: Asker) -> tuple[Any, str]:
        found = asker.post("/alarms/acknowledge", {"alarms": alarm, "reason": reason})
        return found, words.alarms(found)

    _with_service(url, token_file, ca, work, as_json=as_json)
