"""What is told between births and deaths: changes, by alias, in order; and what is kept for later."""

from __future__ import annotations

from typing import Any

import pysparkplug
import pytest

from controller.telemetry.sparkplug import doubt
from controller.telemetry.sparkplug.errors import NameRefused, ValueRefused
from controller.telemetry.sparkplug.node import NodeState, Reaction
from controller.telemetry.sparkplug.payload import QualityCode
from controller.telemetry.sparkplug.samples import Sample
from tests.telemetry.sparkplug.scene import CATALOGUE, COUNT, EPOCH_MS, FORCE, Scene, force, foreign, topics


def said(metric: Any) -> dict[str, Any]:
    """The properties of a metric."""
    return dict(zip(metric.properties.keys, metric.properties.values, strict=True))


def online() -> Scene:
    """A node that has published its births."""
    scene = Scene()
    scene.connect()
    return scene


def values(reaction: Reaction) -> list[float]:
    """The forces in all messages."""
    return [metric.float_value for message in reaction.messages for metric in foreign(message).metrics]


# ---------------------------------------------------------------- live


def test_data_of_node_and_device_have_their_topics_qos_and_retain() -> None:
    scene = online()
    reaction = scene.update(Sample(None, "Health/State", "well", EPOCH_MS), force(1.0, EPOCH_MS))
    assert [(m.topic, m.qos, m.retain) for m in reaction.messages] == [
        ("spBv1.0/plant/NDATA/line 1", 0, False),
        ("spBv1.0/plant/DDATA/line 1/press", 0, False),
    ]
    assert reaction.kept == ()


def test_data_carry_alias_time_and_value_and_neither_name_nor_datatype() -> None:
    scene = Scene()
    birth = pysparkplug.DBirth.decode(scene.connect()[1].payload)
    [message] = scene.update(force(123.5, EPOCH_MS + 7)).messages
    [metric] = foreign(message).metrics
    assert (metric.HasField("name"), metric.HasField("datatype"), metric.HasField("is_historical")) == (False,) * 3
    assert (metric.alias, metric.timestamp, metric.float_value) == (
        CATALOGUE.aliases["press", FORCE],
        EPOCH_MS + 7,
        123.5,
    )
    [read] = pysparkplug.DData.decode(message.payload, birth=birth).metrics
    assert (read.name, read.value) == (FORCE, 123.5)


def test_data_tell_when_they_were_sent() -> None:
    scene = online()
    scene.later(2)
    for sample in (force(1.0, EPOCH_MS), Sample(None, "Health/State", "well", EPOCH_MS)):
        assert foreign(scene.update(sample).messages[0]).timestamp == EPOCH_MS + 2000


def test_seq_goes_up_by_1_over_all_messages_and_wraps_after_255() -> None:
    scene = online()
    numbers = []
    for place in range(300):
        sample = force(float(place), EPOCH_MS + place)
        other = Sample(None, "Health/State", str(place), EPOCH_MS + place)
        numbers += [foreign(message).seq for message in scene.update(sample if place % 3 else other).messages]
    assert numbers == [(2 + place) % 256 for place in range(300)]
    assert foreign(scene.node.device_came("coater").messages[0]).seq == 302 % 256
    assert foreign(scene.node.device_went("coater").messages[0]).seq == 303 % 256


def test_only_changes_are_told() -> None:
    scene = Scene()
    scene.update(force(1.0, EPOCH_MS))
    scene.connect()
    assert scene.update(force(1.0, EPOCH_MS + 1)) == Reaction()
    assert scene.update(Sample(None, "Properties/Software", "x", EPOCH_MS + 1)).messages != ()
    assert scene.update(Sample(None, "Properties/Software", "x", EPOCH_MS + 2)) == Reaction()
    changed = scene.update(force(2.0, EPOCH_MS + 2), Sample("press", COUNT, 5, EPOCH_MS + 2))
    assert len(foreign(changed.messages[0]).metrics) == 2
    [again] = scene.update(force(2.0, EPOCH_MS + 3, QualityCode.STALE)).messages
    assert said(foreign(again).metrics[0])["Quality"].int_value == 500


def test_every_change_in_one_update_is_told_in_the_order_of_their_times() -> None:
    scene = online()
    seen = [force(1.0, EPOCH_MS + 10), Sample("press", COUNT, 5, EPOCH_MS + 5), force(2.0, EPOCH_MS + 20)]
    [message] = scene.update(*seen).messages
    assert [metric.timestamp for metric in foreign(message).metrics] == [EPOCH_MS + 5, EPOCH_MS + 10, EPOCH_MS + 20]
    assert not any(metric.is_historical for metric in foreign(message).metrics)


def test_a_value_from_before_the_last_one_is_historical() -> None:
    scene = online()
    scene.update(force(2.0, EPOCH_MS + 20))
    [message] = scene.update(force(1.0, EPOCH_MS + 10)).messages
    [metric] = foreign(message).metrics
    assert (metric.is_historical, metric.timestamp) == (True, EPOCH_MS + 10)
    scene.node.lost()
    [birth] = [m for m in foreign(scene.connect()[1]).metrics if m.name == FORCE]
    assert birth.float_value == 2.0


def test_null_is_told_as_null() -> None:
    scene = online()
    scene.update(force(1.0, EPOCH_MS))
    [metric] = foreign(scene.update(force(None, EPOCH_MS + 1, QualityCode.BAD)).messages[0]).metrics
    assert metric.is_null
    assert metric.WhichOneof("value") is None
    assert said(metric)["Quality"].int_value == 0


def test_quality_is_told_when_it_is_not_good_and_when_it_is_good_again() -> None:
    scene = Scene()
    scene.update(force(0.0, EPOCH_MS))
    scene.connect()
    told = []
    for place, quality in enumerate((192, 0, 0, 500, 192, 192), start=1):
        [message] = scene.update(force(float(place), EPOCH_MS + place, QualityCode(quality))).messages
        told.append({key: value.int_value for key, value in said(foreign(message).metrics[0]).items()})
    assert told == [{}, {"Quality": 0}, {"Quality": 0}, {"Quality": 500}, {"Quality": 192}, {}]


def test_the_first_good_value_after_a_stale_birth_says_that_it_is_good() -> None:
    [message] = online().update(force(1.0, EPOCH_MS)).messages
    assert said(foreign(message).metrics[0])["Quality"].int_value == 192


def test_batch_context_is_told_of_the_unit() -> None:
    scene = online()
    batch = {"Run": "run-7", "Step": "join", "Lot": "L-3", "Plan Hash": "ab12", "Recipe": "ex1", "Recipe Version": "4"}
    samples = [Sample("press", f"Batch/{name}", value, EPOCH_MS) for name, value in batch.items()]
    samples.append(Sample("press", "Unit/PackML State", "EXECUTE", EPOCH_MS))
    by_alias = {alias: name for (_, name), alias in CATALOGUE.aliases.items()}
    metrics = foreign(scene.update(*samples).messages[0]).metrics
    assert {by_alias[m.alias]: m.string_value for m in metrics} == {
        **{f"Batch/{name}": value for name, value in batch.items()},
        "Unit/PackML State": "EXECUTE",
    }


def test_what_is_in_no_catalogue_or_does_not_fit_is_refused_and_changes_nothing() -> None:
    scene = online()
    with pytest.raises(NameRefused, match="press has no metric Process/x"):
        scene.update(force(1.0, EPOCH_MS), Sample("press", "Process/x", 1, EPOCH_MS))
    with pytest.raises(ValueRefused, match="press: Process/cycle_count: -1 is beyond UINT32"):
        scene.update(force(1.0, EPOCH_MS), Sample("press", COUNT, -1, EPOCH_MS))
    with pytest.raises(ValueRefused, match="beyond DATETIME"):
        scene.update(force(1.0, -1))
    [message] = scene.update(force(1.0, EPOCH_MS)).messages
    assert foreign(message).seq == 2
    for call in (scene.node.device_came, scene.node.device_went):
        with pytest.raises(NameRefused, match="no unit"):
            call("lathe")


# ---------------------------------------------------------------- kept and replayed


def test_what_cannot_be_sent_is_kept_and_comes_later_as_historical() -> None:
    scene = Scene()
    kept = scene.update(force(1.0, EPOCH_MS + 1)).kept + scene.update(force(2.0, EPOCH_MS + 2)).kept
    assert [sample.value for sample in kept] == [1.0, 2.0]
    assert topics(scene.connect()) == ["NBIRTH", "DBIRTH press"]
    replayed = scene.node.replay(kept)
    assert values(replayed) == [1.0, 2.0]
    [message] = replayed.messages
    assert foreign(message).seq == 2
    assert all(metric.is_historical for metric in foreign(message).metrics)
    assert all(said(metric)["Quality"].int_value == 192 for metric in foreign(message).metrics)
    assert (message.qos, message.retain) == (0, False)


def test_replay_does_not_change_what_is_current() -> None:
    scene = online()
    scene.update(force(9.0, EPOCH_MS + 9))
    scene.node.replay([force(1.0, EPOCH_MS + 1)])
    assert scene.update(force(9.0, EPOCH_MS + 10)) == Reaction()


def test_nothing_is_replayed_while_offline_or_for_a_unit_that_is_away() -> None:
    scene = Scene()
    old = force(1.0, EPOCH_MS)
    assert scene.node.replay([old]) == Reaction(kept=(old,))
    scene.connect()
    away = Sample("coater", "Process/speed", 1.0, EPOCH_MS)
    reaction = scene.node.replay([old, away])
    assert (topics(reaction.messages), reaction.kept) == (["DDATA press"], (away,))
    assert scene.update(away).kept == (away,)


def test_kept_values_of_a_metric_that_is_no_more_are_given_up_and_told() -> None:
    reaction = online().node.replay([Sample("press", "Process/old", 1.0, EPOCH_MS), force(1.0, EPOCH_MS)])
    assert values(reaction) == [1.0]
    assert reaction.notices == ("kept values are given up: press has no metric Process/old",)
    assert reaction.kept == ()


def test_what_was_never_proved_to_arrive_is_kept_when_the_connection_is_lost() -> None:
    scene = online()
    sent = [scene.update(force(float(place), EPOCH_MS + place)).messages[0] for place in range(4)]
    scene.node.proved(sent[1].number)
    assert [sample.value for sample in scene.node.lost()] == [2.0, 3.0]
    assert scene.node.lost() == ()
    assert scene.node.state is NodeState.OFFLINE


def test_memory_of_what_is_not_proved_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubt, "MOST_DOUBTED", 3)
    scene = online()
    for place in range(5):
        scene.update(force(float(place), EPOCH_MS + place))
    assert scene.node.forgotten == 2
    assert [sample.value for sample in scene.node.lost()] == [2.0, 3.0, 4.0]


def test_what_is_proved_stays_so_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubt, "MOST_DOUBTED", 3)
    scene = online()
    sent = [scene.update(force(float(place), EPOCH_MS + place)).messages[0] for place in range(3)]
    scene.node.proved(sent[2].number)
    scene.node.proved(sent[0].number)
    for place in range(3, 6):
        scene.update(force(float(place), EPOCH_MS + place))
    assert scene.node.forgotten == 0
    assert [sample.value for sample in scene.node.lost()] == [3.0, 4.0, 5.0]
    scene.connect()
    for place in range(6, 9):
        scene.update(force(float(place), EPOCH_MS + place))
    scene.node.proved(sent[0].number)
    assert scene.node.forgotten == 0
    assert len(scene.node.lost()) == 3


def test_the_first_good_value_after_a_bad_birth_says_that_it_is_good() -> None:
    scene = Scene()
    scene.update(force(1.0, EPOCH_MS, QualityCode.BAD))
    scene.connect()
    [message] = scene.update(force(2.0, EPOCH_MS + 1)).messages
    assert said(foreign(message).metrics[0])["Quality"].int_value == 192


def test_a_birth_that_says_good_need_not_be_followed_by_another_word_of_it() -> None:
    scene = online()
    scene.update(force(1.0, EPOCH_MS, QualityCode.BAD))
    scene.node.lost()
    scene.update(force(2.0, EPOCH_MS + 1))
    scene.connect()
    [message] = scene.update(force(3.0, EPOCH_MS + 2)).messages
    assert said(foreign(message).metrics[0]) == {}


def test_late_values_are_not_remembered_for_ever() -> None:
    scene = online()
    scene.update(force(2.0, EPOCH_MS + 20))
    scene.update(force(1.0, EPOCH_MS + 10))
    scene.update(force(3.0, EPOCH_MS + 30))
    assert scene.node._current._late == set()
