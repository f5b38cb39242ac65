"""Secrets of a line file: named by a file or a variable of the environment, never standing in it, never shown.

SecretUnusable     it cannot be read, or others can read it; a retry makes sense when what the message names is mended
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 4096
"""The longest secret that can be meant; a file beyond it is something else (engineering judgement)."""
MANAGED = ("/run/secrets/", "/run/credentials/")
"""Folders that a container runtime or systemd makes for one service; file modes there say nothing about others."""


class SecretUnusable(Exception):
    """A secret cannot be had. The message names the key and never what was found."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is. `name` is the key of the line file, for messages."""

    name: str
    file: Path | None = None
    env: str | None = None

    def read(self) -> str:
        """The secret itself; what ends a line at its end is not part of it. Raises SecretUnusable."""
        if self.env is not None:
            if not (value := os.environ.get(self.env, "")):
                raise SecretUnusable(f"{self.name}_env: the environment has no variable {self.env}")
            return value
        if self.file is None:
            raise SecretUnusable(f"{self.name}: neither {self.name}_file nor {self.name}_env is given")
        return self._from_file(self.file)

    def _from_file(self, file: Path) -> str:
        where = f"{self.name}_file"
        try:
            handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no name of a file"
            raise SecretUnusable(f"{where}: cannot be read ({why})") from None
        with os.fdopen(handle, "rb") as opened:
            if (fault := readable_by_others(os.fstat(handle), file)) is not None:
                raise SecretUnusable(f"{where}: {fault}")
            raw = opened.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise SecretUnusable(f"{where}: is larger than {MOST_BYTES} bytes; expected the secret and nothing else")
        try:
            text = raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise SecretUnusable(f"{where}: is not UTF-8 text") from None
        if not text or any(ord(character) < ord(" ") for character in text):
            raise SecretUnusable(f"{where}: expected one line with the secret")
        return text


def readable_by_others(state: os.stat_result, file: Path) -> str | None:
    """Why a file that holds a secret may not be used, with how it is mended; None where only its owner reads it."""
    if not stat.S_ISREG(state.st_mode):
        return "is no regular file"
    if str(file.resolve()).startswith(MANAGED):
        return None
    if state.st_uid not in (os.geteuid(), 0):
        return "belongs to another user; it has to belong to the user of the service or to root"
    if state.st_mode & (stat.S_IRWXO | stat.S_IRWXG):
        return f"can be used by others (mode {stat.S_IMODE(state.st_mode):04o}); mend it with chmod 600"
    return None


def with_password(url: str, password: Secret | None) -> str:
    """The URL of a database with its password, for the database and nobody else. Raises SecretUnusable."""
    if password is None:
        return url
    from sqlalchemy.engine import make_url

    return make_url(url).set(password=password.read()).render_as_string(hide_password=False)
