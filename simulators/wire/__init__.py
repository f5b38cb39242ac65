"""Machines on the wire: a simulated controller's tags, served as the real one would serve them.

`image` lays a controller's tags out as Modbus registers, `ascii_image` answers lines of text; both can be called
directly (memory transport) or be served: `modbus_server` (TCP with MBAP header, RTU with CRC), `ascii_server` (one line
for one line), over `stream_server` (TCP) or `pty` (a serial port without hardware). `serve.serve_line` puts a whole
line on the wire and gives a URL for each unit, with `unplug` and `plug` for every cable and `silence` for every unit.
`replay` serves what was recorded on a real wire.

The framing here is written apart from the drivers' on purpose: a mistake in one of them shows.
"""
