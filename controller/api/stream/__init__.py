"""The one stream: a snapshot of the line, then what changes, the same bytes for everybody who listens."""

from controller.api.stream.hub import Client, Hub, HubLimits
from controller.api.stream.messages import Message, Position, Topics

__all__ = ["Client", "Hub", "HubLimits", "Message", "Position", "Topics"]
