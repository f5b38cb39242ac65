"""Topics and the ids and metric names that stand in them."""

from __future__ import annotations

import pytest

from controller.telemetry.sparkplug.catalogue import Catalogue, Definition, datatype_of, line_catalogue
from controller.telemetry.sparkplug.datatypes import DataType
from controller.telemetry.sparkplug.errors import NameRefused
from controller.telemetry.sparkplug.node import EdgeNode
from controller.telemetry.sparkplug.primary_host import PrimaryHost
from controller.telemetry.sparkplug.topics import MessageType, NodeName
from drivers.profile import Signal
from drivers.profile_file import load_profile
from tests.telemetry.sparkplug.scene import CATALOGUE

BAD_IDS = ("", "a+b", "a/b", "a#", "a\0b", "a\nb", "\ud800")
PROFILES = ("uniaxial-press-generic", "isostatic-press-generic", "coater-generic", "roll-press-generic", "omron-e5cc")


@pytest.mark.parametrize("kind", MessageType)
def test_a_topic_names_group_type_node_and_device(kind: MessageType) -> None:
    name = NodeName("plant", "line 1")
    if kind.startswith("D"):
        assert name.topic(kind, "press") == f"spBv1.0/plant/{kind}/line 1/press"
        with pytest.raises(NameRefused, match="needs a device"):
            name.topic(kind)
    else:
        assert name.topic(kind) == f"spBv1.0/plant/{kind}/line 1"
        with pytest.raises(NameRefused, match="has no device"):
            name.topic(kind, "press")


@pytest.mark.parametrize("bad", BAD_IDS)
def test_reserved_characters_are_refused_in_a_group_id(bad: str) -> None:
    with pytest.raises(NameRefused, match="group"):
        NodeName(bad, "line")


@pytest.mark.parametrize("bad", BAD_IDS)
def test_reserved_characters_are_refused_in_an_edge_node_id(bad: str) -> None:
    with pytest.raises(NameRefused, match="edge node"):
        NodeName("plant", bad)


@pytest.mark.parametrize("bad", BAD_IDS)
def test_reserved_characters_are_refused_in_a_device_id(bad: str) -> None:
    with pytest.raises(NameRefused, match="device"):
        Catalogue((), {bad: ()})
    with pytest.raises(NameRefused, match="host"):
        PrimaryHost(bad)


@pytest.mark.parametrize("good", ["Linie 1", "プレス", "a.b-c_d", "$x"])
def test_any_other_text_is_an_id(good: str) -> None:
    assert NodeName(good, good).topic(MessageType.DDATA, good) == f"spBv1.0/{good}/DDATA/{good}/{good}"


def test_a_topic_that_mqtt_cannot_carry_is_refused() -> None:
    with pytest.raises(NameRefused, match="too long"):
        NodeName("g" * 40_000, "n" * 40_000)
    long = Catalogue((), {"d" * 65_530: ()})
    with pytest.raises(NameRefused, match="too long"):
        EdgeNode(NodeName("plant", "line 1"), long, utc_ms=lambda: 0, now_s=lambda: 0.0)


def test_devices_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(NameRefused, match="'Press' and 'press'"):
        Catalogue((), {"press": (), "Press": ()})


@pytest.mark.parametrize("names", [("Unit/A", "unit/a"), ("a", "a"), ("BDSEQ",), ("node control/rebirth",)])
def test_metrics_that_differ_only_in_case_are_refused(names: tuple[str, ...]) -> None:
    metrics = tuple(Definition(name, DataType.STRING) for name in names)
    with pytest.raises(NameRefused, match="same"):
        Catalogue(metrics, {})
    with pytest.raises(NameRefused, match="press: metric"):
        Catalogue((), {"press": metrics})


@pytest.mark.parametrize("bad", ["", "/a", "a//b", "a/", "a\n"])
def test_a_metric_has_a_name_in_every_folder(bad: str) -> None:
    with pytest.raises(NameRefused, match="the node: metric"):
        Catalogue((Definition(bad, DataType.STRING),), {})


def test_the_same_device_id_may_stand_under_two_nodes() -> None:
    one, other = NodeName("plant", "line 1"), NodeName("plant", "line 2")
    nodes = [EdgeNode(name, CATALOGUE, utc_ms=lambda: 0, now_s=lambda: 0.0) for name in (one, other)]
    for node in nodes:
        node.device_came("press")
        node.connecting(0)
    births = [node.connected().messages[1].topic for node in nodes]
    assert births == ["spBv1.0/plant/DBIRTH/line 1/press", "spBv1.0/plant/DBIRTH/line 2/press"]


def test_only_commands_for_this_node_are_its_commands() -> None:
    name = NodeName("plant", "line 1")
    assert name.command("spBv1.0/plant/NCMD/line 1") == (MessageType.NCMD, None)
    assert name.command("spBv1.0/plant/DCMD/line 1/press") == (MessageType.DCMD, "press")
    for other in (
        "spBv1.0/plant/NCMD/line 2",
        "spBv1.0/x/NCMD/line 1",
        "spAv1.0/plant/NCMD/line 1",
        "spBv1.0/plant/NDATA/line 1",
    ):
        assert name.command(other) is None


@pytest.mark.parametrize("profile", PROFILES)
def test_every_polled_signal_of_a_profile_is_a_metric(profile: str) -> None:
    loaded = load_profile(profile)
    catalogue = line_catalogue({"unit": loaded})
    for block in loaded.polled:
        for signal in set(block.signals) - {"heartbeat_machine"}:
            definition = catalogue.definitions["unit", f"Process/{signal}"]
            assert definition.unit == loaded.signals[signal].unit
            assert definition.datatype is not DataType.UNKNOWN
    assert "Process/heartbeat_machine" not in {name for _, name in catalogue.definitions}
    assert len(set(catalogue.aliases.values())) == len(catalogue.aliases)


@pytest.mark.parametrize(
    ("signal", "datatype"),
    [
        (Signal("x", "float32", ""), DataType.FLOAT),
        (Signal("x", "float32", "", scale=0.1), DataType.DOUBLE),
        (Signal("x", "float32", "", offset=1.0), DataType.DOUBLE),
        (Signal("x", "int16", "", scale=0.1), DataType.DOUBLE),
        (Signal("x", "int16", ""), DataType.INT16),
        (Signal("x", "bool", ""), DataType.BOOLEAN),
        (Signal("x", "uint16", "", enum="mode"), DataType.STRING),
        (Signal("x", "text", ""), DataType.STRING),
        (Signal("x", "decimal", ""), DataType.DOUBLE),
        (Signal("x", "integer", ""), DataType.INT64),
    ],
)
def test_the_datatype_follows_from_type_scale_and_enumeration(signal: Signal, datatype: DataType) -> None:
    assert datatype_of(signal) is datatype


def test_signals_of_the_press_have_the_datatypes_of_its_register_document() -> None:
    catalogue = line_catalogue({"press": load_profile("uniaxial-press-generic")})
    expected = {"force_pv_kn": DataType.FLOAT, "cycle_count": DataType.UINT32, "status_bits": DataType.UINT16}
    expected |= {"machine_state": DataType.STRING}
    for signal, datatype in expected.items():
        assert catalogue.definitions["press", f"Process/{signal}"].datatype is datatype
    force = catalogue.definitions["press", "Process/force_pv_kn"]
    assert (force.unit, force.range) == ("kN", (-20, 700))
