"""Whose controller a machine is: the number that comes with the heartbeats, for as long as they come."""

from __future__ import annotations

from drivers.errors import DeviceRefused

OWNED_BY_ANOTHER = 6  # Modbus exception "server device busy"; lines of text have a number of their own for it


class Lease:
    """The one controller above that may beat. It lapses watchdog_s after the owner's last heartbeat.

    Nobody says who he is but by the number. So a 0 is the owner's giving back only with the count that follows on the
    owner's last; if that one was lost, the lease lapses.
    """

    def __init__(self, watchdog_s: float) -> None:
        self._watchdog_s = watchdog_s
        self._owner = 0
        self._count = 0
        self._beat_at_s = 0.0

    def owner(self, now_s: float) -> int:
        """The number of who holds the machine now; 0 for nobody."""
        return self._owner if now_s - self._beat_at_s <= self._watchdog_s else 0

    def beat(self, count: int, number: int | None, now_s: float) -> None:
        """A heartbeat with a lease number, None where it came without one.

        :raises DeviceRefused: with code 6 while another owner's heartbeats count.
        """
        owner = self.owner(now_s)
        if owner and number != owner:
            if number != 0 or (count - self._count) & 0xFFFF != 1:
                raise DeviceRefused(OWNED_BY_ANOTHER)
            self._owner = 0
        elif number:
            if owner == 0 or count != self._count:
                self._beat_at_s = now_s  # a count that stands still is no heartbeat
            self._owner = number
        self._count = count
