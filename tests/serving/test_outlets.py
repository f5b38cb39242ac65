"""What the telemetry is told of the line file: every key arrives, and what neither names is the same in both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from controller.service_config import MqttConfig, SparkplugConfig, StoreConfig
from controller.serving.outlets import mqtt_settings, sealed_folder
from controller.telemetry.settings import Broker, MqttSettings, SparkplugSettings

PLAIN = MqttConfig(url="mqtt://broker")


def test_what_the_line_file_leaves_out_is_what_the_telemetry_takes_by_itself() -> None:
    made = mqtt_settings(PLAIN, "line 1")
    broker = Broker("broker", 1883, client_id="pressline-site-area-line 1")
    assert made == MqttSettings(broker, "site", "area", "line 1")


def test_rates_sizes_and_patience_arrive() -> None:
    config = replace(PLAIN, live_hz=5.0, outbox_max_mb=7, keep_alive_s=42)
    made = mqtt_settings(config, "line")
    assert (made.values_hz, made.limits.size, made.broker.keep_alive_s) == (5.0, 7_000_000, 42)


def test_a_sparkplug_host_has_a_patience_of_its_own() -> None:
    plug = SparkplugConfig("plant", "line-1", primary_host="scada", host_keep_alive_s=30)
    made = mqtt_settings(replace(PLAIN, sparkplug=plug), "line")
    assert made.sparkplug == SparkplugSettings("plant", "line-1", "scada", 30)
    bare = mqtt_settings(replace(PLAIN, sparkplug=SparkplugConfig("plant", "line-1")), "line")
    assert bare.sparkplug == SparkplugSettings("plant", "line-1")


def test_sealed_trends_are_beside_their_store() -> None:
    here = StoreConfig(url="sqlite:////srv/line/store.sqlite")
    assert sealed_folder(here) == Path("/srv/line/store-runs")
    assert sealed_folder(StoreConfig(url="postgresql://db/x", folder=Path("/srv"))) == Path("/srv/runs")
