"""How bytes travel: Modbus TCP and RTU, lines of text, or a call in memory.

`from drivers.transport.urls import open_transport` makes one of a URL; heavy imports stay behind it.
"""
