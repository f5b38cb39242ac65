"""By which names a service may be called: a page of another site cannot lead its own name to this computer."""

from __future__ import annotations

from pathlib import Path

from controller.service_config import WebConfig
from controller.serving.served import own_names


def test_without_tls_only_this_computer_and_the_origins_of_the_line_file() -> None:
    assert own_names(WebConfig()) == ("127.0.0.1", "localhost", "::1")
    web = WebConfig(host="::1", origins=("https://panel.plant.example", "http://localhost:3000"))
    assert own_names(web) == ("127.0.0.1", "localhost", "::1", "panel.plant.example")


def test_a_certificate_proves_the_name() -> None:
    assert own_names(WebConfig(host="10.0.0.5", certificate=Path("a.pem"), key=Path("b.pem"))) == ()
