"""The journal under crashes: a simulated disk below SQLite, every write boundary, and faults of storage."""
