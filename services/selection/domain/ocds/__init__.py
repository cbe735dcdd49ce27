"""Open data: a round, and the purchases that follow from it, as releases of the Open Contracting Data Standard 1.1.5.

A release says what one moment added or changed. It never changes itself: it is made of what was published by then and
of nothing later, and its id ends in a hash of its content. docs/opendata.md has the mapping.
"""
