"""A model is found in a description whatever stands between its parts, and only as a part of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.errors import IdentityMismatch
from drivers.identity import names_model
from drivers.instrument import Instrument
from drivers.profile_file import load_profile
from simulators.wire.ascii_image import AsciiImage
from tests.drivers.ascii_peer import AsciiPeer, Values


@pytest.mark.parametrize(
    ("description", "model"),
    [
        ("PG-200,SN00123,1.04", "PG-200"),
        ("ACME Instruments,PG-200,SN00123,1.04", "PG-200"),
        ("ACME;PG-200;SN00123", "SN00123"),
        ("ACME, PG 200, 1.04", "PG 200"),
        ("PL-AB210 220 g", "PL-AB210"),
        ("PG-200", "PG-200"),
    ],
)
def test_a_model_is_found(description: str, model: str) -> None:
    assert names_model(description, model)


@pytest.mark.parametrize("model", ["PG-20", "G-200", "PG", "PG-200,SN", "", "1.0", "pg-200", "1.04."])
def test_a_part_of_a_word_is_no_model(model: str) -> None:
    assert not names_model("PG-200,SN00123,1.04", model)


@pytest.mark.parametrize(("told", "fits"), [("PG-200,SN00123,1.04", True), ("PG-2000,SN00123,1.04", False)])
async def test_an_instrument_is_identified_by_it(told: str, fits: bool) -> None:
    profile = replace(load_profile("balance-sics"), identity={"model": "PG-200"})
    image = AsciiImage(profile, Values(profile, {}), lambda: 0.0)
    peer = AsciiPeer(lambda asked: f'I2 A "{told}"\r\n'.encode() if asked == b"I2\r\n" else image.answer(asked))
    instrument = Instrument("balance-1", profile, peer)
    if fits:
        await instrument.identify()
        return
    with pytest.raises(IdentityMismatch, match="PG-200 was expected"):
        await instrument.identify()
