"""Units that go, and a node that goes by intention."""

from __future__ import annotations

from controller.telemetry.sparkplug.node import NodeState, Reaction
from tests.telemetry.sparkplug.scene import EPOCH_MS, Scene, force, foreign, names, topics


def test_a_unit_whose_link_is_lost_dies() -> None:
    scene = Scene()
    scene.connect()
    scene.later(3)
    [death] = scene.node.device_went("press").messages
    assert (death.topic, death.qos, death.retain) == ("spBv1.0/plant/DDEATH/line 1/press", 0, False)
    payload = foreign(death)
    assert payload.HasField("seq")
    assert (payload.seq, payload.timestamp, len(payload.metrics)) == (2, EPOCH_MS + 3000, 0)
    assert scene.node.device_went("press") == Reaction()


def test_a_unit_that_goes_while_there_is_no_connection_is_not_told_of() -> None:
    scene = Scene()
    scene.connect()
    scene.node.lost()
    assert scene.node.device_went("press") == Reaction()
    assert topics(scene.connect()) == ["NBIRTH"]


def test_a_dead_unit_tells_nothing_until_it_is_born_again() -> None:
    scene = Scene()
    scene.connect()
    scene.node.device_went("press")
    reaction = scene.update(force(5.0, EPOCH_MS + 5))
    assert (reaction.messages, reaction.kept) == ((), (force(5.0, EPOCH_MS + 5),))
    [birth] = scene.node.device_came("press").messages
    assert (topics((birth,)), foreign(birth).seq) == (["DBIRTH press"], 3)
    assert names(birth)["Process/force_pv_kn"].float_value == 5.0
    assert topics(scene.node.replay(reaction.kept).messages) == ["DDATA press"]


def test_a_unit_that_was_away_is_not_born_with_the_node() -> None:
    scene = Scene()
    scene.node.device_went("press")
    assert topics(scene.connect()) == ["NBIRTH"]


def test_a_node_that_leaves_publishes_its_death_first() -> None:
    scene = Scene()
    scene.connect()
    reaction = scene.node.leaving()
    [death] = reaction.messages
    assert reaction.disconnect
    assert (death.topic, death.retain) == ("spBv1.0/plant/NDEATH/line 1", False)
    payload = foreign(death)
    assert not payload.HasField("seq")
    assert [(metric.name, metric.long_value) for metric in payload.metrics] == [("bdSeq", 0)]
    assert scene.node.state is NodeState.OFFLINE
    assert scene.node.leaving() == Reaction()


def test_what_was_not_proved_before_leaving_is_kept() -> None:
    scene = Scene()
    scene.connect()
    scene.update(force(5.0, EPOCH_MS))
    assert scene.node.leaving().kept == (force(5.0, EPOCH_MS),)
