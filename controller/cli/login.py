"""Who is logged in: the name that the record has for what somebody typed."""

from __future__ import annotations

import getpass
import os


def at_terminal() -> str:
    """Who sits at the terminal, for the record: by the login, as nobody else is known."""
    return f"{logged_in() or f'user {os.getuid()}'} at the terminal"


def logged_in() -> str:
    """The user who is logged in; empty where the system has no name for it, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
