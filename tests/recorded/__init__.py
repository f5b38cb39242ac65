"""Journals of dry runs as they were made once; today's code must decide the same."""
