"""What texts of the service's tables look like: hosts, addresses, names, URLs of databases, files with secrets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.line_kinds import PORT, FileName, Text

_PORT = f"(?::{PORT})?"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
_QUERY = r"(?:\?(?![^#]*password)[A-Za-z0-9_=&%./:+-]*)?"

HOST = Text(r"[A-Za-z0-9:][A-Za-z0-9.:-]{0,253}", "a name or an address of this computer, such as 127.0.0.1")
ORIGIN = Text(f"https?://{_HOST}{_PORT}", "an origin such as https://panel.plant.example")
WEB_URL = Text(rf"https?://{_HOST}{_PORT}(?:/[^\s\x00-\x1f?#]*)?", "an address such as https://login.plant.example")
MQTT_URL = Text(f"mqtts?://{_HOST}{_PORT}", "mqtt://HOST:PORT or mqtts://HOST:PORT")
LEVEL = Text(r"[^+#/\x00-\x1f]{1,64}", "a name without +, # and /")  # what MQTT and Sparkplug keep for themselves
LINE_AT_PLANT = Text(
    r"[^+#/\x00-\x1f]{1,64}(?:/[^+#/\x00-\x1f]{1,64}){0,5}", "names without +, # and /, such as lyon/hall-2/line-1"
)
NAME = Text(r"[^\s\x00-\x1f](?:[^\x00-\x1f]{0,198}[^\s\x00-\x1f])?", "a text of 1 to 200 characters")
VARIABLE = Text(r"[A-Za-z_][A-Za-z0-9_]{0,200}", "the name of a variable of the environment")
TAG = Text(r"[A-Za-z0-9_.-]{1,128}", "UNIT.SIGNAL")
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class StoreUrl(Text):
    """The URL of a store; the file of SQLite counts from the line file's folder."""

    def settled(self, value: Any, base: Path) -> str:
        text = str(value)
        return SQLITE + str((base / text.removeprefix(SQLITE)).absolute()) if text.startswith(SQLITE) else text


_POSTGRES = rf"postgres(?:ql)?://(?:[A-Za-z0-9_.-]+@)?(?:{_HOST}{_PORT})?/[A-Za-z0-9_.-]+{_QUERY}"
STORE_URL = StoreUrl(
    rf"sqlite:///[^\x00-\x1f?#]{{1,4000}}|{_POSTGRES}",
    "sqlite:///FILE or postgresql://USER@HOST/NAME, without a password",
)
PLANT_URL = Text(_POSTGRES, "postgresql://USER@HOST/NAME, without a password")
SECRET_FILE = FileName("the name of a file that only the service's user may read")
