"""A broker and somebody who listens, both of mosquitto's own, that are killed and come back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaign.telemetry_judges import Heard
from tests.telemetry.mosquitto import Mosquitto

QUIET_S = 1.0
"""Wall seconds after which a listener that wrote nothing more has everything."""
CONFIGURATION = (
    "allow_anonymous true\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true"
)


class Plant:
    """The broker, and mosquitto_sub behind it, which writes everything that it is given into a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder, CONFIGURATION)
        self._folder = folder
        self._listeners: list[subprocess.Popen[bytes]] = []
        self.files: list[Path] = []

    def start(self) -> None:
        """Returns when somebody listens. Blocks: the line's clock stands still meanwhile."""
        self.broker.start()
        file = self._folder / f"heard-{len(self.files)}.txt"
        words = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-q", "1", "-t", "#", "-F"]
        with file.open("wb") as sink:
            self._listeners.append(subprocess.Popen(["stdbuf", "-oL", *words, "%r\t%q\t%t\t%x"], stdout=sink))
        self.files.append(file)
        until_s = time.monotonic() + 20
        while b"campaign/begin" not in file.read_bytes():
            if time.monotonic() > until_s:
                raise RuntimeError("mosquitto_sub hears nothing")
            self.say("campaign/begin")
            time.sleep(0.05)

    def say(self, topic: str) -> None:
        words = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-q", "1", "-t", topic, "-m", "x"]
        subprocess.run(words, check=True, timeout=20)

    def kill(self) -> None:
        """The broker first, without a word to anybody."""
        self.broker.kill()
        self.hushed()

    def hushed(self) -> None:
        """The last listener has written what it was given."""
        listener, size = self._listeners[-1], -1
        while size != (now := self.files[-1].stat().st_size):
            size = now
            time.sleep(QUIET_S)
        listener.terminate()
        listener.wait(20)

    def heard(self) -> Iterator[Heard]:
        """Every message, in order."""
        for file in self.files:
            for text in file.read_text(encoding="utf-8").splitlines():
                retained, qos, topic, payload = text.split("\t")
                if not topic.startswith("campaign/"):
                    yield Heard(topic, bytes.fromhex(payload), int(qos), retained == "1")


@contextmanager
def plant(folder: Path) -> Iterator[Plant]:
    found = Plant(folder)
    try:
        yield found
    finally:
        found.broker.kill()
        for listener in found._listeners:
            listener.kill()
            listener.wait()
