"""A line's copy in the plant's database: its journal, its trends and how it is; and all lines of a plant at once.

The line's own store stays the one that counts. The copy follows it, as far as the network lets it, and slows nothing.
"""

from controller.plant.copier import Copied, Copier
from controller.plant.copies import copied_records
from controller.plant.errors import CopyMoved, HistoryDiffers, PlantError
from controller.plant.fleet import LineAtPlant, fleet
from controller.plant.model import CopyOptions, Position, Progress
from controller.plant.tables import TABLES

__all__ = [
    "TABLES",
    "Copied",
    "Copier",
    "CopyMoved",
    "CopyOptions",
    "HistoryDiffers",
    "LineAtPlant",
    "PlantError",
    "Position",
    "Progress",
    "copied_records",
    "fleet",
]
