"""Frames of both presses, typed by hand from their register documents; the CRC comes from a separate calculation."""

from __future__ import annotations

# ---- uniaxial press: RTU, unit 1, high word first

STATUS_ASK = bytes.fromhex("01 04 0000 0024 F011")
STATUS_TELL = bytes.fromhex(
    "01 04 48"
    " 1005 007B 0001 1171"  # model 4101, firmware 1.23, serial number 70001
    " 0000 0000 0000 0000 0000 0000"
    " 00F0 0006 0001 002A 0001 0000"  # heartbeat 240, EXECUTE, REMOTE, sequence 42, ACCEPTED, no reason
    " 0047 0000 0004 A17E"  # emergency stop, guard, two-hand, link; no alarm; dwell; owned by 41342
    " 43E1 0000"  # 450.0 kN
    " 42F0 0000"  # 120.0 degC
    " 42EF 0000"  # 119.5 degC
    " 430B A000"  # 139.625 um
    " 418A 0000"  # 17.25 MPa
    " 4148 0000"  # 12.5 s
    " 43E0 E000"  # 449.75 kN
    " 0001 0001"  # 65537 cycles
    " 024E"
)
STATUS: dict[str, float] = {
    "model_code": 4101,
    "firmware": 123,
    "serial_number": 70001,
    "heartbeat_machine": 240,
    "machine_state": 6,
    "mode": 1,
    "acknowledged_sequence": 42,
    "acknowledge_result": 1,
    "acknowledge_reason": 0,
    "status_bits": 0b1000111,
    "alarm_bits": 0,
    "phase": 4,
    "lease_owner": 41342,
    "force_pv_kn": 450.0,
    "platen_top_c": 120.0,
    "platen_bottom_c": 119.5,
    "thickness_um": 139.625,
    "oil_pressure_mpa": 17.25,
    "dwell_elapsed_s": 12.5,
    "dwell_mean_force_kn": 449.75,
    "cycle_count": 65537,
}
JOB: dict[str, float] = {
    "job_id": 7,
    "force_sp_kn": 435.5,
    "force_ramp_kn_s": 20.0,
    "dwell_sp_s": 180.0,
    "release_rate_kn_s": 40.0,
    "platen_temperature_sp_c": 25.0,
    "dwell_band_pct": 2.0,
    "temperature_band_k": 5.0,
    "link_loss_hold_s": 10.0,
}
JOB_ASK = bytes.fromhex(
    "01 10 000A 0012 24 0000 0007 43D9 C000 41A0 0000 4334 0000 4220 0000 41C8 0000 4000 0000 40A0 0000 4120 0000 5FDE"
)
JOB_TELL = bytes.fromhex("01 10 000A 0012 6006")
START_ASK, START_TELL = bytes.fromhex("01 10 0000 0002 04 0002 002B 1270"), bytes.fromhex("01 10 0000 0002 41C8")
BEAT_ASK = bytes.fromhex("01 10 0002 0002 04 0005 A17E 9BC7")  # count 5, master 41342
BEAT_TELL = bytes.fromhex("01 10 0002 0002 E008")
BEATS_OF_OTHERS = (
    bytes.fromhex("01 10 0002 0002 04 0006 1234 9F00"),  # master 4660
    bytes.fromhex("01 10 0002 0001 02 0006 27B0"),  # without a number
    bytes.fromhex("01 10 0002 0002 04 0009 0000 A274"),  # gives back, and does not know the count
)
OWNED_TELL = bytes.fromhex("01 90 06 CC02")
GIVE_BACK_ASK = bytes.fromhex("01 10 0002 0002 04 0006 0000 9277")
REFUSED_TELL = bytes.fromhex("01 84 02 C2C1")

# ---- isostatic press: TCP, unit 1, low word first

ISO_STATUS_ASK = bytes.fromhex("0001 0000 0006 01 04 0000 002A")
ISO_STATUS_TELL = bytes.fromhex(
    "0001 0000 0057 01 04 54"
    " 106A 007B 1171 0001"  # model 4202, firmware 1.23, serial number 70001
    " 0000 0000 0000 0000 0000 0000"
    " 00F1 0006 0001 0003 0001 0000"  # heartbeat 241, EXECUTE, REMOTE, sequence 3, ACCEPTED, no reason
    " 0387 0000 0004 A17E"  # emergency stop, closure, yoke, link, isolated, bag; no alarm; dwell; owned by 41342
    " 0000 4475"  # 980.0 MPa
    " E000 4474"  # 979.5 MPa
    " 0000 42F0"  # 120.0 degC
    " 0000 42EF"  # 119.5 degC
    " 0000 42F0"
    " 0000 4148"  # 12.5 s
    " 0000 4475"
    " 0000 4220"  # 40.0 %
    " 0000 42C8"  # 100.0 %
    " 0001 0001"  # 65537 cycles
    " 0000 4416"  # 600.0 s
)
ISO_STATUS: dict[str, float] = {
    "model_code": 4202,
    "serial_number": 70001,
    "firmware": 123,
    "heartbeat_machine": 241,
    "machine_state": 6,
    "mode": 1,
    "acknowledged_sequence": 3,
    "acknowledge_result": 1,
    "acknowledge_reason": 0,
    "status_bits": 0b1110000111,
    "alarm_bits": 0,
    "phase": 4,
    "lease_owner": 41342,
    "pressure_a_mpa": 980.0,
    "pressure_b_mpa": 979.5,
    "medium_a_c": 120.0,
    "medium_b_c": 119.5,
    "wall_c": 120.0,
    "dwell_elapsed_s": 12.5,
    "dwell_mean_pressure_mpa": 980.0,
    "intensifier_stroke_pct": 40.0,
    "fill_level_pct": 100.0,
    "cycle_count": 65537,
    "soak_elapsed_s": 600.0,
}
ISO_JOB: dict[str, float] = {
    "job_id": 70001,
    "pressure_sp_mpa": 979.5,
    "pressure_ramp_mpa_s": 5.0,
    "dwell_sp_s": 300.0,
    "decompression_rate_mpa_s": 4.0,
    "final_decompression_rate_mpa_s": 0.5,
    "medium_temperature_sp_c": 120.0,
    "temperature_band_k": 3.0,
    "soak_s": 600.0,
    "dwell_band_pct": 1.0,
    "link_loss_hold_s": 30.0,
}
ISO_JOB_ASK = bytes.fromhex(
    "0001 0000 0033 01 10 000A 0016 2C 1171 0001 E000 4474 0000 40A0 0000 4396 0000 4080 0000 3F00"
    " 0000 42F0 0000 4040 0000 4416 0000 3F80 0000 41F0"
)
ISO_JOB_TELL = bytes.fromhex("0001 0000 0006 01 10 000A 0016")
ISO_HOLD_ASK = bytes.fromhex("0001 0000 000B 01 10 0000 0002 04 0003 0004")
ISO_HOLD_TELL = bytes.fromhex("0001 0000 0006 01 10 0000 0002")
ISO_BEAT_ASK = bytes.fromhex("0001 0000 000B 01 10 0002 0002 04 0005 A17E")
ISO_BEAT_TELL = bytes.fromhex("0001 0000 0006 01 10 0002 0002")
ISO_OWNED_TELL = bytes.fromhex("0001 0000 0003 01 90 06")
ISO_REFUSED_TELL = bytes.fromhex("0001 0000 0003 01 84 02")
