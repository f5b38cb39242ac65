"""A node that publishes only while its primary host is there."""

from __future__ import annotations

import pytest

from controller.telemetry.sparkplug import doubt
from controller.telemetry.sparkplug.node import NodeState, Reaction
from controller.telemetry.sparkplug.samples import Sample
from tests.telemetry.sparkplug.scene import EPOCH_MS, HOST, STATE, Scene, force, names, state, topics

T = EPOCH_MS


def waiting() -> Scene:
    """Connected, and nothing is known of the host."""
    scene = Scene(HOST)
    assert scene.connect() == ()
    assert scene.node.state is NodeState.WAITING
    return scene


def online() -> Scene:
    """The host has been online since T."""
    scene = waiting()
    scene.node.received(STATE, state(True, T))
    return scene


def test_births_wait_until_the_primary_host_is_online() -> None:
    scene = waiting()
    kept = scene.update(force(1.0, T)).kept
    assert kept == (force(1.0, T),)
    assert scene.node.device_came("coater").messages == ()
    reaction = scene.node.received(STATE, state(True, T))
    assert topics(reaction.messages) == ["NBIRTH", "DBIRTH press", "DBIRTH coater"]
    assert topics(scene.node.replay(kept).messages) == ["DDATA press"]


def test_a_state_that_is_heard_while_subscribing_counts() -> None:
    scene = Scene(HOST)
    scene.open()
    assert scene.node.received(STATE, state(True, T)).messages == ()
    assert topics(scene.node.connected().messages) == ["NBIRTH", "DBIRTH press"]


def test_the_state_of_another_host_is_none_of_ours() -> None:
    scene = waiting()
    for other in ("spBv1.0/STATE/other", "spBv1.0/STATE/scada/x", "STATE/scada", "spBv1.0/STATE/SCADA"):
        assert scene.node.received(other, state(True, T)) == Reaction()
    assert scene.node.state is NodeState.WAITING


def test_a_host_that_says_offline_is_not_online() -> None:
    scene = waiting()
    assert scene.node.received(STATE, state(False, T)).messages == ()
    assert scene.node.state is NodeState.WAITING


@pytest.mark.parametrize(("timestamp", "taken"), [(T - 1, False), (T, True), (T + 1, True)])
def test_an_online_older_than_the_last_state_is_ignored(timestamp: int, taken: bool) -> None:
    scene = waiting()
    scene.node.received(STATE, state(False, T))
    reaction = scene.node.received(STATE, state(True, timestamp))
    assert (scene.node.state is NodeState.ONLINE) == taken
    assert bool(reaction.messages) == taken
    assert reaction.notices[0].startswith("the primary host is online" if taken else "an outdated state")


@pytest.mark.parametrize(("timestamp", "taken"), [(T - 1, False), (T, True), (T + 1, True)])
def test_an_offline_older_than_the_last_online_is_ignored(timestamp: int, taken: bool) -> None:
    scene = online()
    reaction = scene.node.received(STATE, state(False, timestamp))
    assert reaction.disconnect == taken
    assert topics(reaction.messages) == (["NDEATH"] if taken else [])
    assert scene.node.state is (NodeState.OFFLINE if taken else NodeState.ONLINE)


def test_the_first_state_is_always_believed() -> None:
    scene = waiting()
    assert scene.node.received(STATE, state(True, 0)).messages != ()


def test_a_host_that_goes_offline_ends_the_session_with_a_death() -> None:
    scene = online()
    reaction = scene.node.received(STATE, state(False, T + 5))
    [death] = reaction.messages
    assert death.topic == "spBv1.0/plant/NDEATH/line 1"
    assert names(death)["bdSeq"].long_value == 0
    assert reaction.disconnect
    assert scene.update(force(3.0, T)).messages == ()
    opening = scene.open()
    assert names(opening.will)["bdSeq"].long_value == 1
    assert scene.node.connected().messages == ()
    assert scene.node.received(STATE, state(False, T + 5)).messages == ()
    assert topics(scene.node.received(STATE, state(True, T + 6)).messages) == ["NBIRTH", "DBIRTH press"]


def test_a_host_is_asked_for_anew_in_each_session_but_its_timestamp_is_remembered() -> None:
    scene = online()
    scene.node.lost()
    assert scene.connect() == ()
    assert scene.node.received(STATE, state(True, T - 1)).messages == ()
    assert topics(scene.node.received(STATE, state(True, T)).messages) == ["NBIRTH", "DBIRTH press"]


def test_what_the_host_may_have_missed_on_its_way_out_is_kept() -> None:
    scene = Scene(HOST, doubt_s=90)
    scene.connect()
    scene.node.received(STATE, state(True, T))
    early = scene.update(force(1.0, T)).messages[0]
    scene.node.proved(early.number)
    scene.later(100)
    late = scene.update(force(2.0, T + 100_000)).messages[0]
    scene.node.proved(late.number)
    assert scene.node.received(STATE, state(False, T + 1)).kept == (force(2.0, T + 100_000),)


def test_what_reached_the_broker_is_not_kept_when_only_the_broker_is_lost() -> None:
    scene = Scene(HOST, doubt_s=90)
    scene.connect()
    scene.node.received(STATE, state(True, T))
    scene.node.proved(scene.update(force(1.0, T)).messages[0].number)
    scene.update(force(2.0, T + 1))
    assert scene.node.lost() == (force(2.0, T + 1),)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"ONLINE",
        b"[]",
        b"null",
        b'{"online":true}',
        b'{"online":"true","timestamp":1}',
        b'{"online":1,"timestamp":1}',
        b'{"online":true,"timestamp":"1"}',
        b'{"online":true,"timestamp":true}',
        b'{"online":true,"timestamp":-1}',
        b'{"online":true,"timestamp":1.5}',
        b'{"online":true,"timestamp":1e999}',
        b'{"online":true,"timestamp":NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_state_that_cannot_be_read_is_ignored_and_told(payload: bytes) -> None:
    scene = waiting()
    reaction = scene.node.received(STATE, payload)
    assert reaction == Reaction(notices=(f"a state of the primary host that cannot be read came on {STATE}",))
    assert scene.node.state is NodeState.WAITING


def test_a_death_of_the_session_is_published_when_leaving_while_waiting() -> None:
    scene = waiting()
    assert topics(scene.node.leaving().messages) == ["NDEATH"]


def test_node_values_are_kept_too() -> None:
    sample = Sample(None, "Health/State", "well", T)
    assert waiting().update(sample).kept == (sample,)


def test_another_session_of_the_host_is_told_everything_again() -> None:
    scene = Scene(HOST, doubt_s=90)
    scene.connect()
    scene.node.received(STATE, state(True, T))
    scene.later(5)
    missed = force(1.0, T)
    scene.node.proved(scene.update(missed).messages[0].number)
    assert scene.node.received(STATE, state(True, T)) == Reaction()
    reaction = scene.node.received(STATE, state(True, T + 5000))
    assert (topics(reaction.messages), reaction.kept) == (["NBIRTH", "DBIRTH press"], (missed,))


def test_a_lost_broker_does_not_end_the_doubt_about_the_host() -> None:
    scene = Scene(HOST, doubt_s=90)
    scene.connect()
    scene.node.received(STATE, state(True, T))
    scene.node.proved(scene.update(force(1.0, T)).messages[0].number)
    assert scene.node.lost() == ()
    scene.connect()
    scene.node.received(STATE, state(True, T))
    assert scene.node.received(STATE, state(False, T)).kept == (force(1.0, T),)


def test_a_session_of_the_host_that_began_while_the_broker_was_away_missed_what_was_before() -> None:
    scene = Scene(HOST, doubt_s=90)
    scene.connect()
    scene.node.received(STATE, state(True, T))
    scene.node.proved(scene.update(force(1.0, T)).messages[0].number)
    assert scene.node.lost() == ()
    scene.open()
    assert scene.node.received(STATE, state(True, T + 5)).kept == (force(1.0, T),)


def test_a_waiting_node_also_keeps_what_another_session_of_the_host_missed() -> None:
    scene = Scene(HOST, doubt_s=90)
    scene.connect()
    scene.node.received(STATE, state(True, T))
    scene.node.proved(scene.update(force(1.0, T)).messages[0].number)
    assert scene.node.lost() == ()
    assert scene.connect() == ()
    reaction = scene.node.received(STATE, state(True, T + 5))
    assert (topics(reaction.messages), reaction.kept) == (["NBIRTH", "DBIRTH press"], (force(1.0, T),))
    scene.later(5)
    assert scene.node.received(STATE, state(True, T + 6)).kept == ()


def test_memory_of_what_the_host_may_have_missed_is_bounded_and_not_called_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doubt, "MOST_DOUBTED", 3)
    scene = Scene(HOST, doubt_s=90)
    scene.connect()
    scene.node.received(STATE, state(True, T))
    for place in range(5):
        scene.node.proved(scene.update(force(float(place), T + place)).messages[0].number)
    assert scene.node.forgotten == 0
    scene.node.lost()
    scene.connect()
    scene.node.received(STATE, state(True, T))
    scene.update(force(9.0, T + 9))
    kept = scene.node.received(STATE, state(False, T)).kept
    assert [sample.value for sample in kept] == [3.0, 4.0, 9.0]


def test_timestamps_of_the_host_never_go_back() -> None:
    scene = online()
    scene.node.received(STATE, state(False, T + 100))
    scene.connect()
    assert scene.node.received(STATE, state(False, T + 50)) == Reaction()
    assert scene.node.received(STATE, state(True, T + 60)).messages == ()
    assert topics(scene.node.received(STATE, state(True, T + 100)).messages) == ["NBIRTH", "DBIRTH press"]


def test_what_was_proved_does_not_become_doubtful_by_an_older_proof() -> None:
    scene = online()
    scene.node._doubt = doubt.Doubt(90)
    sent = [scene.update(force(float(place), T + place)).messages[0] for place in range(2)]
    scene.node.proved(sent[1].number)
    scene.node.proved(sent[0].number)
    assert scene.node.lost() == ()
