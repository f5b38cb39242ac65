"""The API: what people's pages and programs ask the service for, over HTTP and one stream."""

from controller.api.app import create_app
from controller.api.backups import BackupPlace, Backups
from controller.api.begun import Begun
from controller.api.idempotency.keys import Keys
from controller.api.limits import Limits
from controller.api.parts import Parts, RecipeDesk
from controller.api.records import Records
from controller.api.stream.hub import Hub, HubLimits
from controller.api.stream.topics import topics_of
from controller.api.workers import Workers

__all__ = [
    "BackupPlace",
    "Backups",
    "Begun",
    "Hub",
    "HubLimits",
    "Keys",
    "Limits",
    "Parts",
    "RecipeDesk",
    "Records",
    "Workers",
    "create_app",
    "topics_of",
]
