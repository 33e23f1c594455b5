"""A project's rules: edits as commands with undo, the order of shots, lineage and staleness. No torch."""
