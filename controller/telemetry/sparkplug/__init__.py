"""Sparkplug B 3.0.0 without a socket, a clock or a file: the payload, the topics, and the edge node that a line is.

Whoever owns the MQTT connection asks `node.EdgeNode` what to publish and tells it what came;
`docs/reference/sparkplug.md` says in which order.
"""
