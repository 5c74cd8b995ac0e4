"""The node: settings, processes, identities, observability and the wiring of everything below."""
