"""The simulators on the wire."""
