"""Longer runs than the test suite has time for, each with a `make` target of its own."""
