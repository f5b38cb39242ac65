"""Every lot of every run as the journal tells it: made of what, by whom, on which machine; its status, its origin."""
