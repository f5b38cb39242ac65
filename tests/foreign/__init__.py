"""Peers of other families: what they read of us and what we read of them."""
