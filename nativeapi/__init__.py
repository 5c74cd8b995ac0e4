"""The native REST API under /v1, wire-compatible with AIStore: its Python SDK and command line work unmodified."""
