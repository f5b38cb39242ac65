"""The controller watches itself: its tasks, its loop, its clocks; and a service manager watches it from outside."""
