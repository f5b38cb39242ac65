"""What is said when a connection is opened, and what a birth says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from controller.telemetry.sparkplug.datatypes import DataType
from controller.telemetry.sparkplug.errors import OutOfTurn
from controller.telemetry.sparkplug.messages import Outgoing
from controller.telemetry.sparkplug.node import NodeState
from controller.telemetry.sparkplug.numbers import next_death_number
from controller.telemetry.sparkplug.payload import QualityCode
from controller.telemetry.sparkplug.samples import Sample
from tests.telemetry.sparkplug.scene import (
    CATALOGUE,
    DCMD,
    EPOCH_MS,
    FORCE,
    HOST,
    NCMD,
    STATE,
    Scene,
    force,
    foreign,
    names,
    rebirth,
    topics,
)


class Kept:
    """A bdSeq in a database that may fail."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.full = False

    async def load(self) -> int | None:
        return self.number

    async def save(self, number: int) -> None:
        if self.full:
            raise OSError("no space left")
        self.number = number


def births(scene: Scene) -> tuple[Outgoing, Outgoing]:
    """NBIRTH and the press's DBIRTH."""
    node, press = scene.connect()
    return node, press


# ---------------------------------------------------------------- CONNECT


def test_the_will_is_the_death_of_the_node() -> None:
    will = Scene().open().will
    assert (will.topic, will.qos, will.retain) == ("spBv1.0/plant/NDEATH/line 1", 1, False)
    payload = foreign(will)
    assert [(metric.name, metric.datatype, metric.long_value) for metric in payload.metrics] == [("bdSeq", 4, 0)]
    assert not payload.HasField("seq")


def test_the_session_is_clean_and_ends_with_its_connection() -> None:
    opening = Scene().open()
    assert (opening.clean_start, opening.session_expiry_s) == (True, 0)


def test_mqtt_5_disconnects_with_its_will() -> None:
    assert Scene().open().disconnect_reason == 4


def test_commands_and_the_hosts_state_are_subscribed_with_qos_1() -> None:
    coater = "spBv1.0/plant/DCMD/line 1/coater"
    assert Scene().open().subscriptions == ((NCMD, 1), (DCMD, 1), (coater, 1))
    assert Scene(HOST).open().subscriptions == ((NCMD, 1), (DCMD, 1), (coater, 1), (STATE, 1))


def test_nothing_is_published_before_the_session_stands() -> None:
    scene = Scene()
    scene.open()
    assert scene.update(force(1.0, EPOCH_MS)).messages == ()
    assert scene.node.received(NCMD, rebirth()).messages == ()
    assert scene.node.device_came("coater").messages == ()
    assert scene.node.device_went("coater").messages == ()
    assert topics(scene.node.connected().messages) == ["NBIRTH", "DBIRTH press"]


def test_calls_in_the_wrong_order_are_refused() -> None:
    scene = Scene()
    with pytest.raises(OutOfTurn, match="not connecting"):
        scene.node.connected()
    for number in (-1, 256):
        with pytest.raises(OutOfTurn, match=f"bdSeq {number}"):
            scene.node.connecting(number)
    scene.open()
    with pytest.raises(OutOfTurn, match="connecting"):
        scene.node.connecting(1)


async def test_bd_seq_starts_at_0_goes_up_by_1_and_wraps_after_255() -> None:
    kept = Kept()
    numbers = [await next_death_number(kept) for _ in range(258)]
    assert numbers == [*range(256), 0, 1]


async def test_a_bd_seq_that_cannot_be_kept_is_not_used() -> None:
    kept = Kept(7)
    kept.full = True
    with pytest.raises(OSError, match="no space"):
        await next_death_number(kept)
    kept.full = False
    assert await next_death_number(Kept(kept.number)) == 8


@pytest.mark.parametrize("bd_seq", [0, 1, 255])
def test_birth_and_will_have_the_same_bd_seq(bd_seq: int) -> None:
    scene = Scene()
    scene.bd_seq = bd_seq - 1
    will = scene.open().will
    birth = scene.node.connected().messages[0]
    assert names(will)["bdSeq"].long_value == names(birth)["bdSeq"].long_value == bd_seq
    assert names(birth)["bdSeq"].datatype == DataType.INT64
    scene.later(5)
    again = scene.node.received(NCMD, rebirth()).messages[0]
    assert names(again)["bdSeq"].long_value == bd_seq
    assert names(scene.node.leaving().messages[0])["bdSeq"].long_value == bd_seq


# ---------------------------------------------------------------- births


def test_births_come_first_the_nodes_before_those_of_its_devices() -> None:
    scene = Scene(present=("press", "coater"))
    messages = scene.connect()
    assert topics(messages) == ["NBIRTH", "DBIRTH press", "DBIRTH coater"]
    assert [message.topic for message in messages[:2]] == [
        "spBv1.0/plant/NBIRTH/line 1",
        "spBv1.0/plant/DBIRTH/line 1/press",
    ]


def test_births_go_at_qos_0_and_are_not_retained() -> None:
    assert {(message.qos, message.retain) for message in Scene().connect()} == {(0, False)}


def test_seq_is_0_in_a_node_birth_and_goes_on_from_there() -> None:
    scene = Scene(present=("press", "coater"))
    assert [foreign(message).seq for message in scene.connect()] == [0, 1, 2]
    scene.update(force(1.0, EPOCH_MS))
    scene.node.lost()
    messages = scene.connect()
    assert foreign(messages[0]).HasField("seq")
    assert [foreign(message).seq for message in messages] == [0, 1, 2]


def test_a_birth_tells_when_it_was_sent() -> None:
    scene = Scene()
    scene.later(12.5)
    for message in births(scene):
        assert foreign(message).timestamp == EPOCH_MS + 12_500


def test_a_birth_has_every_metric_that_will_ever_be_told() -> None:
    scene = Scene(present=("press", "coater"))
    node, press, coater = scene.connect()
    for device, message, control in (
        (None, node, {"bdSeq", "Node Control/Rebirth"}),
        ("press", press, {"Device Control/Rebirth"}),
        ("coater", coater, {"Device Control/Rebirth"}),
    ):
        declared = {name for owner, name in CATALOGUE.definitions if owner == device}
        assert set(names(message)) == declared | control


def test_each_metric_of_a_birth_has_name_datatype_time_and_value() -> None:
    for message in births(Scene()):
        for metric in foreign(message).metrics:
            assert metric.HasField("name")
            assert metric.HasField("timestamp")
            assert metric.HasField("datatype")
            assert metric.datatype in set(DataType) - {DataType.UNKNOWN}
            assert metric.is_null != (metric.WhichOneof("value") is not None)


def test_a_birth_says_the_current_values() -> None:
    scene = Scene()
    scene.update(force(100.0, EPOCH_MS), Sample("press", "Batch/Run", "run-7", EPOCH_MS))
    scene.update(force(200.0, EPOCH_MS + 5), Sample(None, "Health/State", "well", EPOCH_MS + 6))
    node, press = births(scene)
    assert (names(press)[FORCE].float_value, names(press)[FORCE].timestamp) == (200.0, EPOCH_MS + 5)
    assert names(press)["Batch/Run"].string_value == "run-7"
    assert names(node)["Health/State"].string_value == "well"
    assert names(node)["Properties/Software"].string_value == "pressline"


def test_what_is_not_known_is_null_without_a_value_and_stale() -> None:
    _, press = births(Scene())
    metric = names(press)[FORCE]
    assert metric.is_null
    assert metric.WhichOneof("value") is None
    said = dict(zip(metric.properties.keys, metric.properties.values, strict=True))
    assert said["Quality"].int_value == QualityCode.STALE


def test_a_birth_says_unit_range_and_meaning() -> None:
    _, press = births(Scene())
    metric = names(press)[FORCE]
    assert len(metric.properties.keys) == len(metric.properties.values)
    said = dict(zip(metric.properties.keys, metric.properties.values, strict=True))
    assert (said["engUnit"].type, said["engUnit"].string_value) == (12, "kN")
    assert (said["engLow"].type, said["engLow"].double_value, said["engHigh"].double_value) == (10, -20.0, 700.0)
    assert said["documentation"].string_value == "load cell"
    assert all(value.HasField("type") for value in metric.properties.values)


@pytest.mark.parametrize("quality", QualityCode)
def test_quality_is_an_int32_of_0_192_or_500(quality: QualityCode) -> None:
    scene = Scene()
    scene.update(force(1.0, EPOCH_MS, quality))
    metric = names(births(scene)[1])[FORCE]
    said = dict(zip(metric.properties.keys, metric.properties.values, strict=True))["Quality"]
    assert (said.type, said.WhichOneof("value"), said.int_value) == (3, "int_value", quality)
    assert quality in (0, 192, 500)


def test_aliases_are_unique_over_the_node_and_all_its_devices() -> None:
    scene = Scene(present=("press", "coater"))
    found = [m.alias for message in scene.connect() for m in foreign(message).metrics if m.HasField("alias")]
    assert len(found) == len(set(found)) == len(CATALOGUE.aliases)


def test_every_metric_of_a_birth_has_name_and_alias_but_the_nodes_rebirth() -> None:
    for message in births(Scene()):
        for metric in foreign(message).metrics:
            assert metric.HasField("name")
            assert metric.HasField("alias") == (metric.name != "Node Control/Rebirth")


def test_a_node_birth_offers_its_rebirth() -> None:
    control = names(births(Scene())[0])["Node Control/Rebirth"]
    assert (control.datatype, control.WhichOneof("value"), control.boolean_value) == (11, "boolean_value", False)


def test_metrics_of_a_birth_are_in_the_order_of_their_times() -> None:
    scene = Scene()
    scene.later(60)
    scene.update(Sample("press", "Batch/Run", "r", EPOCH_MS + 900), force(1.0, EPOCH_MS + 100))
    scene.update(Sample("press", "Batch/Lot", "l", EPOCH_MS + 500))
    times = [metric.timestamp for metric in foreign(births(scene)[1]).metrics]
    assert all(one <= next_one for one, next_one in pairwise(times))
    assert times[:3] == [EPOCH_MS + 100, EPOCH_MS + 500, EPOCH_MS + 900]


def test_only_devices_that_are_there_are_born_and_others_when_they_come() -> None:
    scene = Scene()
    scene.connect()
    [late] = scene.node.device_came("coater").messages
    assert topics((late,)) == ["DBIRTH coater"]
    assert foreign(late).seq == 2
    assert scene.node.device_came("coater").messages == ()
    assert scene.node.state is NodeState.ONLINE
