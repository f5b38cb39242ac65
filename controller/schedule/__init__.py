"""When what would happen: the rules of allocation on predicted durations, without an executor, a machine or a clock."""
