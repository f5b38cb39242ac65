"""Frames typed by hand from the register documents."""
