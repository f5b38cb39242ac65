"""What a person or a fault can do to a machine's own controller: freeze, refuse, forget, pretend, restart."""

from __future__ import annotations

from dataclasses import dataclass, field

ALWAYS_OBEYED = frozenset({"hold", "stop", "abort"})
"""What lowers risk; a fault concerns these only where it names them."""


@dataclass(slots=True)
class PlcDisturbances:
    """What is wrong with a controller now; the defaults are "nothing". A fault panel or a test sets it.

    frozen_tags keep the value that they had when they were frozen, and heartbeat_frozen does so for the machine's
    heartbeat. busy refuses every command and job with the exception "busy". reject is the profile's word for the reason
    that commands are rejected with. never_done: commands are acknowledged and nothing happens. `only` names the
    commands that reject and never_done concern; empty means all but hold, stop and abort. wrong_identity and
    old_firmware change what the controller says of itself. local_mode: a person has turned the key to LOCAL.
    echo_error: the repeated job differs from what was loaded by this share of its value.
    """

    frozen_tags: set[str] = field(default_factory=set)
    heartbeat_frozen: bool = False
    busy: bool = False
    reject: str | None = None
    never_done: bool = False
    only: frozenset[str] = frozenset()
    wrong_identity: bool = False
    old_firmware: bool = False
    local_mode: bool = False
    echo_error: float = 0.0

    def concerns(self, command: str) -> bool:
        """Whether reject and never_done mean this command."""
        return command in self.only if self.only else command not in ALWAYS_OBEYED

    def shown(self, tags: dict[str, float | int], before: dict[str, float | int], kept: dict[str, float | int]) -> None:
        """Puts into tags what is shown in place of what is; before are the tags as they were shown last.

        kept is the controller's memory of what was frozen; it forgets what is not frozen any more.
        """
        names = self.frozen_tags | {"heartbeat_machine"} if self.heartbeat_frozen else self.frozen_tags
        for name in kept.keys() - names:
            del kept[name]
        for name in sorted(names & tags.keys()):
            tags[name] = kept.setdefault(name, before.get(name, tags[name]))
