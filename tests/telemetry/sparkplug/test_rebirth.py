"""The only command that is listened to, and all others, which are not."""

from __future__ import annotations

import pytest

from controller.telemetry.sparkplug.datatypes import DataType
from controller.telemetry.sparkplug.messages import Outgoing
from controller.telemetry.sparkplug.node import NodeState, Reaction
from controller.telemetry.sparkplug.payload import Metric, Payload, encode
from controller.telemetry.sparkplug.samples import Sample
from tests.telemetry.sparkplug.scene import (
    CATALOGUE,
    DCMD,
    EPOCH_MS,
    FORCE,
    NCMD,
    Scene,
    force,
    foreign,
    rebirth,
    topics,
)


def online(*, since_s: float = 10.0) -> Scene:
    """A node whose births are some time ago."""
    scene = Scene(present=("press", "coater"))
    scene.connect()
    scene.later(since_s)
    return scene


def values(messages: tuple[Outgoing, ...]) -> list[float]:
    """The forces in these messages."""
    return [metric.float_value for message in messages for metric in foreign(message).metrics]


def test_a_rebirth_is_a_complete_birth_sequence() -> None:
    scene = online()
    scene.update(force(1.0, EPOCH_MS))
    reaction = scene.node.received(NCMD, rebirth())
    assert topics(reaction.messages) == ["NBIRTH", "DBIRTH press", "DBIRTH coater"]
    assert [foreign(message).seq for message in reaction.messages] == [0, 1, 2]
    assert reaction.notices == ("a host asked the node to be born again",)
    [after] = scene.update(force(2.0, EPOCH_MS + 1)).messages
    assert foreign(after).seq == 3


def test_requests_close_together_are_one_rebirth_and_no_data_go_between() -> None:
    scene = online()
    scene.node.received(NCMD, rebirth())
    for place in range(5):
        scene.later(0.1)
        assert scene.node.received(NCMD, rebirth()).messages == ()
        assert scene.update(force(float(place), EPOCH_MS + place)) == Reaction()
        assert scene.node.elapsed() == Reaction()
    assert scene.node.state is NodeState.HOLDING
    due_s = scene.node.due_s()
    assert due_s is not None
    scene.time_s = due_s
    messages = scene.node.elapsed().messages
    assert topics(messages) == ["NBIRTH", "DBIRTH press", "DBIRTH coater", "DDATA press"]
    held = foreign(messages[-1]).metrics
    assert [metric.float_value for metric in held] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert all(metric.is_historical for metric in held)
    assert scene.node.due_s() is None
    assert values(scene.update(force(9.0, EPOCH_MS + 9)).messages) == [9.0]


def test_what_is_held_back_is_kept_when_the_connection_is_lost_meanwhile() -> None:
    scene = online(since_s=0.1)
    scene.node.received(NCMD, rebirth())
    scene.update(force(1.0, EPOCH_MS))
    assert scene.node.lost() == (force(1.0, EPOCH_MS),)
    assert scene.node.lost() == ()
    assert scene.node.elapsed() == Reaction()


def test_what_was_held_back_and_sent_is_kept_once() -> None:
    scene = online(since_s=0.1)
    scene.node.received(NCMD, rebirth())
    scene.update(force(1.0, EPOCH_MS))
    scene.later(1)
    scene.node.elapsed()
    assert scene.node.lost() == (force(1.0, EPOCH_MS),)


def test_nothing_is_replayed_while_births_are_held_back() -> None:
    scene = online(since_s=0.1)
    scene.node.received(NCMD, rebirth())
    old = force(1.0, EPOCH_MS)
    assert scene.node.replay([old]) == Reaction(kept=(old,))


def test_device_births_asked_for_close_together_are_held_back_too() -> None:
    scene = online()
    assert topics(scene.node.received(DCMD, rebirth("Device Control/Rebirth")).messages) == ["DBIRTH press"]
    scene.later(0.1)
    assert scene.node.received(DCMD, rebirth("Device Control/Rebirth")).messages == ()
    assert scene.node.state is NodeState.HOLDING
    scene.later(1)
    assert topics(scene.node.elapsed().messages) == ["NBIRTH", "DBIRTH press", "DBIRTH coater"]


def test_one_true_among_several_is_a_rebirth() -> None:
    wanted = [Metric("Node Control/Rebirth", None, None, DataType.BOOLEAN, value) for value in (True, False)]
    assert topics(online().node.received(NCMD, encode(Payload(EPOCH_MS, None, tuple(wanted)))).messages)[0] == "NBIRTH"


def test_a_number_is_no_true() -> None:
    number = Metric("Node Control/Rebirth", None, None, DataType.UINT32, 1, declared=False)
    assert online().node.received(NCMD, encode(Payload(EPOCH_MS, None, (number,)))).messages == ()


def test_an_alias_of_a_unit_is_none_of_the_node() -> None:
    alias = CATALOGUE.aliases["press", FORCE]
    write = Metric(None, alias, None, DataType.FLOAT, 1.0)
    [notice] = online().node.received(NCMD, encode(Payload(EPOCH_MS, None, (write,)))).notices
    assert f"'alias {alias}' of the node" in notice


def test_a_unit_that_goes_while_births_are_held_back_is_not_born_with_them() -> None:
    scene = online(since_s=0.1)
    scene.node.received(NCMD, rebirth())
    scene.update(force(1.0, EPOCH_MS))
    assert topics(scene.node.device_went("press").messages) == ["DDEATH press"]
    scene.later(1)
    reaction = scene.node.elapsed()
    assert topics(reaction.messages) == ["NBIRTH", "DBIRTH coater"]
    assert reaction.kept == (force(1.0, EPOCH_MS),)


def test_a_device_can_be_born_again_alone() -> None:
    scene = online()
    [birth] = scene.node.received(DCMD, rebirth("Device Control/Rebirth")).messages
    assert (topics((birth,)), foreign(birth).seq) == (["DBIRTH press"], 3)
    alias = CATALOGUE.aliases["press", "Device Control/Rebirth"]
    by_alias = encode(Payload(EPOCH_MS, None, (Metric(None, alias, EPOCH_MS, DataType.BOOLEAN, value=True),)))
    scene.later(5)
    assert topics(scene.node.received(DCMD, by_alias).messages) == ["DBIRTH press"]
    scene.node.device_went("press")
    scene.later(5)
    assert scene.node.received(DCMD, by_alias).messages == ()


@pytest.mark.parametrize("payload", [rebirth(value=False), rebirth("Node Control/Reboot"), encode(Payload(EPOCH_MS))])
def test_only_a_rebirth_that_is_true_is_one(payload: bytes) -> None:
    assert online().node.received(NCMD, payload).messages == ()


def test_a_rebirth_for_the_node_is_none_for_a_device_and_the_other_way_round() -> None:
    assert online().node.received(DCMD, rebirth()).messages == ()
    assert online().node.received(NCMD, rebirth("Device Control/Rebirth")).messages == ()


def test_writes_are_ignored_and_told() -> None:
    scene = online()
    by_name = Metric(FORCE, None, EPOCH_MS, DataType.FLOAT, 500.0)
    by_alias = Metric(None, CATALOGUE.aliases["press", "Process/cycle_count"], None, DataType.UINT32, 1)
    unknown = Metric(None, 4711, None, DataType.UINT32, 1)
    reaction = scene.node.received(DCMD, encode(Payload(EPOCH_MS, None, (by_name, by_alias, unknown))))
    assert (reaction.messages, reaction.kept, reaction.disconnect) == ((), (), False)
    [notice] = reaction.notices
    assert notice.startswith("a host wrote to 'Process/force_pv_kn', 'Process/cycle_count', 'alias 4711' of press;")
    scene.node.lost()
    births = scene.connect()
    assert [m.is_null for m in foreign(births[1]).metrics if m.name == FORCE] == [True]


def test_a_write_beside_a_rebirth_is_told_and_the_rebirth_done() -> None:
    both = (
        Metric("Node Control/Rebirth", None, None, DataType.BOOLEAN, value=True),
        Metric("x", None, None, DataType.BOOLEAN, value=True),
    )
    reaction = online().node.received(NCMD, encode(Payload(EPOCH_MS, None, both)))
    assert topics(reaction.messages)[0] == "NBIRTH"
    assert "'x' of the node" in reaction.notices[0]


def test_a_command_with_thousands_of_metrics_is_told_in_one_short_sentence() -> None:
    many = tuple(Metric(f"m{place}", None, None, DataType.UINT32, 1) for place in range(2000))
    [notice] = online().node.received(NCMD, encode(Payload(EPOCH_MS, None, many))).notices
    assert "and 1995 more" in notice
    assert len(notice) < 200


@pytest.mark.parametrize(
    ("topic", "payload", "told"),
    [
        (NCMD, b"\xff\xff", "NCMD for the node was ignored: 2 bytes are no Sparkplug B payload"),
        ("spBv1.0/plant/DCMD/line 1/lathe", rebirth(), "a command for a unit that this line does not have was ignored"),
    ],
)
def test_what_cannot_be_read_is_ignored_and_told(topic: str, payload: bytes, told: str) -> None:
    reaction = online().node.received(topic, payload)
    assert reaction.messages == ()
    assert told in reaction.notices[0]


def test_messages_for_others_are_nothing_to_this_node() -> None:
    assert online().node.received("spBv1.0/plant/NCMD/line 2", rebirth()) == Reaction()
    assert online().node.received("spBv1.0/STATE/scada", b"{}") == Reaction()


def test_a_rebirth_asked_of_a_node_that_was_just_born_comes_after_the_gap() -> None:
    scene = online(since_s=0.0)
    assert scene.node.received(NCMD, rebirth()).messages == ()
    assert scene.update(Sample(None, "Health/State", "well", EPOCH_MS)).messages == ()
    scene.later(1.0)
    assert topics(scene.node.elapsed().messages) == ["NBIRTH", "DBIRTH press", "DBIRTH coater", "NDATA"]
