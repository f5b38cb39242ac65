"""The endpoints, a file for each thing; none decides anything, the rooms below do."""
