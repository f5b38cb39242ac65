"""What is spoken of while a line is copied: how far the copy is, how it goes on, and what may be set."""

from __future__ import annotations

from dataclasses import dataclass

from controller.journal import GENESIS


@dataclass(frozen=True, slots=True)
class Position:
    """How far the plant's copy of a line is, as the plant says.

    sequence, hash: the last record. blocks, block_hash: the last block of trends, "" where that one was lost; waiting:
    the newest row of samples that are in no block yet. lost_blocks were deleted at the line before they were copied.
    """

    sequence: int = 0
    hash: str = GENESIS
    blocks: int = 0
    block_hash: str = ""
    waiting: int = 0
    lost_blocks: int = 0


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """Real seconds, and how much goes in one transaction. Defaults are engineering judgement.

    every_s: between two looks for something new; pause_s: between two parts of a backlog, so that the interpreter and
    the disk are others' most of the time; first_wait_s is doubled after each failure up to most_wait_s; away_s: so long
    it may fail until it is told as a condition; answer_s: so long one transaction may take.
    """

    every_s: float = 1.0
    pause_s: float = 0.02
    first_wait_s: float = 1.0
    most_wait_s: float = 60.0
    away_s: float = 60.0
    answer_s: float = 20.0
    records: int = 500
    blocks: int = 64


@dataclass(frozen=True, slots=True)
class Progress:
    """How the copying goes, for people and metrics.

    is_reached: the plant's database took the last thing that was sent. Behind is what the line has and the plant does
    not have, as far as it is known here. refused says why nothing more is copied, "" where nothing is refused.
    """

    is_reached: bool = False
    records: int = 0
    records_behind: int = 0
    blocks: int = 0
    blocks_behind: int = 0
    lost_blocks: int = 0
    refused: str = ""
