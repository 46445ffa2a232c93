"""Commands: one file each, found by listing this folder; each holds a click ``command`` and imports the rest late."""
