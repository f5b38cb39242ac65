"""A host that checks every rule sees a line through random losses of everything between them."""

from __future__ import annotations

import asyncio

import pytest

from controller.telemetry.sparkplug.catalogue import BD_SEQ
from controller.telemetry.sparkplug.datatypes import DataType
from controller.telemetry.sparkplug.messages import data
from controller.telemetry.sparkplug.payload import Metric, Payload, encode
from simulators.clock import run_virtual
from tests.telemetry.sparkplug.host import Host, HostMistrusts
from tests.telemetry.sparkplug.scene import CATALOGUE, EPOCH_MS, Scene, force
from tests.telemetry.sparkplug.world import World

STEPS = 400
PREFIX = "spBv1.0/plant"


async def through_losses(seed: int, *, with_host: bool) -> World:
    """Random things at random times, then all is mended."""
    world = World(seed, with_host=with_host)
    for _ in range(STEPS):
        world.step()
        await asyncio.sleep(world.random.choice((0.01, 0.05, 0.3, 1.5)))
    await world.settle()
    return world


@pytest.mark.parametrize("with_host", [False, True], ids=["any host", "primary host"])
@pytest.mark.parametrize("seed", range(12))
def test_no_gap_no_unknown_alias_no_data_before_birth_and_nothing_lost(seed: int, with_host: bool) -> None:
    world = run_virtual(through_losses(seed, with_host=with_host))
    assert world.host.births > 3
    assert world.host.online
    for (device, name), last in world.told.items():
        tag = world.host.tags[device, name]
        assert (tag.value, tag.quality, tag.stale) == (last.value, last.quality, False)
    seen = {(sample.device, sample.name, sample.time_ms, sample.value) for sample in world.seen}
    assert len(seen) > STEPS / 3
    assert seen - world.host.history == set()
    assert world.node.lost() is not None


# ---------------------------------------------------------------- the host's rules can be broken


def online_host() -> tuple[Scene, Host]:
    """A host that has seen the births."""
    scene, host = Scene(), Host()
    for message in scene.connect():
        host.take(message.topic, message.payload)
    return scene, host


def message(*metrics: Metric, seq: int | None = 2) -> bytes:
    """Data as nobody should send them."""
    return encode(Payload(EPOCH_MS, seq, metrics))


ALIAS = CATALOGUE.aliases["press", "Process/force_pv_kn"]
GOOD = Metric(None, ALIAS, EPOCH_MS, DataType.FLOAT, 1.0, declared=False)
LATER = Metric(None, ALIAS, EPOCH_MS + 1, DataType.FLOAT, 1.0, declared=False)
BAD: dict[str, tuple[str, bytes]] = {
    "has seq 3 after 1": ("DDATA/line 1/press", message(GOOD, seq=3)),
    "DDATA without seq": ("DDATA/line 1/press", message(GOOD, seq=None)),
    "data of coater before its birth": ("DDATA/line 1/coater", message(GOOD)),
    "unknown alias 4711": ("DDATA/line 1/press", message(Metric(None, 4711, EPOCH_MS, DataType.FLOAT, 1.0))),
    "data with a name": ("DDATA/line 1/press", message(Metric("x", ALIAS, EPOCH_MS, DataType.FLOAT, 1.0))),
    "force_pv_kn of press in a message of None": ("NDATA/line 1", message(GOOD)),
    "a metric without a timestamp": ("DDATA/line 1/press", message(Metric(None, ALIAS, None, DataType.FLOAT, 1.0))),
    "out of the order": ("DDATA/line 1/press", message(LATER, GOOD)),
    "FLOAT in long_value": ("DDATA/line 1/press", message(Metric(None, ALIAS, EPOCH_MS, DataType.INT64, 1))),
    "NBIRTH whose seq is not 0": ("NBIRTH/line 1", message(seq=2)),
    "NBIRTH without bdSeq": ("NBIRTH/line 1", message(seq=0)),
    "without its rebirth control": (
        "NBIRTH/line 1",
        message(Metric(BD_SEQ, 1, EPOCH_MS, DataType.INT64, 0), seq=0),
    ),
    "stands for two metrics": (
        "DBIRTH/line 1/press",
        message(Metric("a", 1, EPOCH_MS, DataType.INT64, 0), Metric("b", 2, EPOCH_MS, DataType.INT64, 0)),
    ),
    "death of coater, which was not born": ("DDEATH/line 1/coater", message()),
    "NDEATH with seq": ("NDEATH/line 1", message()),
    "NDEATH with other metrics": ("NDEATH/line 1", message(seq=None)),
    "topic": ("DDATA/line 1", message(GOOD)),
}


@pytest.mark.parametrize("broken", BAD)
def test_the_host_of_these_tests_notices_a_broken_rule(broken: str) -> None:
    _, host = online_host()
    topic, payload = BAD[broken]
    kind, _, rest = topic.partition("/")
    with pytest.raises(HostMistrusts, match=broken):
        host.take(f"{PREFIX}/{kind}/{rest}", payload)


def test_the_host_notices_data_before_birth_retained_messages_and_a_lost_message() -> None:
    scene, host = online_host()
    lost, after = (scene.update(force(float(n), EPOCH_MS + n)).messages[0] for n in (1, 2))
    with pytest.raises(HostMistrusts, match="DDATA before NBIRTH"):
        Host().take(lost.topic, lost.payload)
    with pytest.raises(HostMistrusts, match="retained"):
        host.take(lost.topic, lost.payload, retain=True)
    with pytest.raises(HostMistrusts, match="at QoS 1"):
        host.take(lost.topic, lost.payload, qos=1)
    with pytest.raises(HostMistrusts, match="has seq 3 after 1"):
        host.take(after.topic, after.payload)


def test_a_late_death_of_an_earlier_session_is_no_death_of_this_one() -> None:
    scene = Scene()
    first = scene.open().will
    scene.node.lost()
    host = Host()
    for born in scene.connect():
        host.take(born.topic, born.payload)
    host.take(first.topic, first.payload, qos=1)
    assert [host.online] == [True]
    death = scene.node.leaving().messages[0]
    host.take(death.topic, death.payload)
    assert [host.online] == [False]
    assert all(tag.stale for tag in host.tags.values())


def test_samples_of_one_message_need_not_come_in_order() -> None:
    samples = [force(2.0, EPOCH_MS + 2), force(1.0, EPOCH_MS + 1)]
    payload = data(CATALOGUE, samples, EPOCH_MS, 0, historical=frozenset(), with_quality=frozenset())
    assert [metric.value for metric in payload.metrics] == [1.0, 2.0]
