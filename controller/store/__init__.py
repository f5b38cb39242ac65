"""Stored recipes: versions, comments and approvals in the journal's file, appended and never changed."""
