"""How to talk to a machine: transports, profiles, one Machine for every kind, and its intents. See README.md."""
