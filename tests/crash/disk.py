"""What a crash can leave on a disk: everything that was synced, and of the rest whatever the disk had got round to.

A kill leaves every write, because the kernel holds them. A power cut leaves what was synced; of the writes since, any
may be there, in any order, whole or up to a sector. New and deleted names count as on disk when their directory was
synced, which SQLite's unix layer does with the first sync of a new log (unixSync, UNIXFILE_DIRSYNC).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import TypeAlias

from tests.crash.vfs import Witness

SECTOR_BYTES = 512
"""The smallest sector that disks have; what is torn at 4096 is torn at 512 too."""

INDEX_BYTES = 32768


@dataclass(frozen=True, slots=True)
class Write:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    file: str


@dataclass(frozen=True, slots=True)
class FailedSync:
    """A sync that failed: Linux then forgets that the pages were to be written, and the next sync succeeds."""

    file: str


@dataclass(frozen=True, slots=True)
class Create:
    file: str


@dataclass(frozen=True, slots=True)
class Delete:
    file: str
    durably: bool


@dataclass(frozen=True, slots=True)
class Put:
    """A small file that is replaced in one move, synced before."""

    file: str
    data: bytes


Operation: TypeAlias = Write | Truncate | Sync | FailedSync | Create | Delete | Put
Change: TypeAlias = Write | Truncate
Files: TypeAlias = dict[str, bytes]


class Recorder(Witness):
    """Writes down every operation before it is done."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def writes(self, file: str, offset: int, data: bytes) -> None:
        self.operations.append(Write(file, offset, data))

    def truncates(self, file: str, size: int) -> None:
        self.operations.append(Truncate(file, size))

    def syncs(self, file: str) -> None:
        self.operations.append(Sync(file))

    def deletes(self, file: str, *, durably: bool) -> None:
        self.operations.append(Delete(file, durably))

    def creates(self, file: str) -> None:
        self.operations.append(Create(file))


class Left(StrEnum):
    """What became of the writes since the last sync."""

    KEPT = "all kept (a kill)"
    INDEX = "all kept, the log's index in memory garbage"
    DROPPED = "all dropped"
    TORN = "the last one torn"
    LAST_ONLY = "only the last one"
    HOLES = "some sectors of them"
    ZEROS = "the file grown, its new sectors zero"
    GARBAGE = "the file grown, its new sectors garbage"


@dataclass(slots=True)
class _Stored:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class Disk:
    """The files of one folder, with what is not yet synced of them. `apply` is called with each operation in order."""

    files: dict[str, _Stored] = field(default_factory=dict)
    unsynced_names: dict[str, _Stored | None] = field(default_factory=dict)
    """Names whose directory entry is not on disk: what stands there on disk, None for nothing."""
    new_logs: set[str] = field(default_factory=set)

    def apply(self, operation: Operation) -> None:
        match operation:
            case Write() | Truncate():
                self.files[operation.file].pending.append(operation)
            case FailedSync(file):
                self.files[file].pending = []
            case Put(file, data):
                self.files[file] = _Stored(bytearray(data))
            case Create(file):
                self.unsynced_names.setdefault(file, None)
                self.files[file] = _Stored()
                if file.endswith(("-wal", "-journal")):
                    self.new_logs.add(file)
            case Delete(file, durably):
                gone = self.files.pop(file)
                if durably:
                    self.unsynced_names.clear()
                else:
                    self.unsynced_names.setdefault(file, gone)
            case Sync(file):
                stored = self.files[file]
                stored.durable = _applied(stored.durable, stored.pending)
                stored.pending = []
                if file in self.new_logs:
                    self.new_logs.discard(file)
                    self.unsynced_names.clear()

    @property
    def is_clean(self) -> bool:
        """Whether a crash now leaves nothing to chance."""
        return not self.unsynced_names and not any(stored.pending for stored in self.files.values())

    def images(
        self, rng: Random, kinds: Sequence[Left], *, holes: int = 1, every_tear: bool = False
    ) -> Iterator[Image]:
        """What a crash now can leave. holes says how many draws of single sectors; every_tear tears at each sector."""
        yield Image(Left.KEPT, self._kept())
        if Left.INDEX in kinds:
            yield Image(Left.INDEX, self._kept() | self._indexes(rng))
        if self.is_clean:
            return
        for kind in kinds:
            draws = holes if kind in (Left.HOLES, Left.GARBAGE) else 1
            if kind is Left.TORN:
                yield from self._torn(rng, every_tear=every_tear)
            elif kind not in (Left.KEPT, Left.INDEX):
                yield from (Image(kind, self._cut(kind, rng)) for _ in range(draws))

    def _kept(self) -> Files:
        return {name: bytes(_applied(stored.durable, stored.pending)) for name, stored in self.files.items()}

    def _indexes(self, rng: Random) -> Files:
        """SQLite's shared memory is never synced; a kill leaves it as it was, and nobody may believe it."""
        return {name[:-4] + "-shm": rng.randbytes(INDEX_BYTES) for name in self.files if name.endswith("-wal")}

    def _torn(self, rng: Random, *, every_tear: bool) -> Iterator[Image]:
        name = next((name for name, stored in self.files.items() if stored.pending), None)
        if name is None or not isinstance(last := self.files[name].pending[-1], Write):
            return
        pieces = list(_sectors(last))
        wanted = range(1, len(pieces))
        for count in wanted if every_tear else wanted and [rng.choice(wanted)]:
            files = self._kept()
            stored = self.files[name]
            files[name] = bytes(_applied(stored.durable, [*stored.pending[:-1], *pieces[:count]]))
            yield Image(Left.TORN, files)

    def _cut(self, kind: Left, rng: Random) -> Files:
        files = {name: bytes(self._left(stored, kind, rng)) for name, stored in self.files.items()}
        for name, before in self.unsynced_names.items():
            if kind is Left.DROPPED or rng.random() < 0.5:
                files.pop(name, None)
                if before is not None:
                    files[name] = bytes(before.durable)
        return files

    def _left(self, stored: _Stored, kind: Left, rng: Random) -> bytearray:
        pending = stored.pending
        match kind:
            case Left.DROPPED:
                chosen: Iterable[Change] = ()
            case Left.LAST_ONLY:
                chosen = pending[-1:]
            case Left.HOLES:
                chosen = [piece for change in pending for piece in _sectors(change) if rng.random() < 0.5]
            case _:
                chosen = [change for change in pending if rng.random() < 0.5]
                return _grown(stored, chosen, rng if kind is Left.GARBAGE else None)
        return _applied(stored.durable, chosen)


@dataclass(frozen=True, slots=True)
class Image:
    """The files that a crash left."""

    left: Left
    files: Files


def _applied(content: bytearray, changes: Iterable[Change]) -> bytearray:
    result = bytearray(content)
    for change in changes:
        if isinstance(change, Truncate):
            del result[change.size :]
            result.extend(bytes(change.size - len(result)))
            continue
        end = change.offset + len(change.data)
        result.extend(bytes(max(0, end - len(result))))
        result[change.offset : end] = change.data
    return result


def _sectors(change: Change) -> Iterator[Change]:
    """A write in pieces that each lie within one sector of the file; a truncation is whole."""
    if isinstance(change, Truncate):
        yield change
        return
    at, end = change.offset, change.offset + len(change.data)
    while at < end:
        until = min(end, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        yield Write(change.file, at, change.data[at - change.offset : until - change.offset])
        at = until


def _grown(stored: _Stored, chosen: Iterable[Change], rng: Random | None) -> bytearray:
    """The file at its full new size; what was not chosen of its new part is zero, or garbage."""
    before, full = len(stored.durable), len(_applied(stored.durable, stored.pending))
    base = bytearray(stored.durable)
    if full > before:
        base.extend(bytes(full - before) if rng is None else rng.randbytes(full - before))
    return _applied(base, [change for change in chosen if isinstance(change, Write)])
