"""What integrators do with one unit: find it, look at it, write to it once, record it, and find out what is broken."""
