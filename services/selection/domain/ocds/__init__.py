"""Open data: a round, and the purchases that follow from it, as releases of the Open Contracting Data Standard 1.1.5.

A release states what one moment added or changed. It never changes: it contains only what was published by then, and
its id ends in a hash of its content. docs/opendata.md has the mapping.
"""
