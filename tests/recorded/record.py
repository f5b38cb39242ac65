"""Records the runs anew: `python -m tests.recorded.record [NAME ...]`, one compressed file of JSON lines each.

The first line is the run's header: recipe, scenario, seed, what happened to it. Each other line is a record of its
journal. A run is recorded anew when its decisions changed on purpose; `differences.md` is then emptied of it.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from controller.events import Event
from controller.journal import canonical
from tests.recorded.scenes import Scene, header_line, played, scene_of, scenes

FOLDER = Path(__file__).parent / "runs"


def line_of(event: Event) -> str:
    """A record as a line, everything that its hash is taken over and its hash."""
    head = [event.sequence, event.run, event.kind, event.data, event.time_s, event.utc]
    return canonical([*head, event.previous_hash, event.hash])


def write(scene: Scene, events: Sequence[Event]) -> Path:
    """Writes a recording; the same events give the same bytes."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{scene.name}.jsonl.gz"
    text = "\n".join([header_line(scene), *map(line_of, events), ""])
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    return file


def read(file: Path) -> tuple[Scene, list[Event]]:
    """A recording: what was run, and its journal."""
    header, *lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    return scene_of(json.loads(header)), [Event(*json.loads(line)) for line in lines]


def recordings() -> list[Path]:
    """The files of all recordings."""
    return sorted(FOLDER.glob("*.jsonl.gz"))


def main(names: Sequence[str]) -> int:
    known = {scene.name: scene for scene in scenes()}
    if unknown := [name for name in names if name not in known]:
        print(f"there is no run {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    for scene in [known[name] for name in names] or known.values():
        events = played(scene)
        file = write(scene, events)
        end = next(event.data["state"] for event in reversed(events) if event.kind == "run.closed")
        print(f"{scene.name}: {end}, {len(events)} records, {file.stat().st_size} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
