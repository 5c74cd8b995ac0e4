"""The operations that are built; importing the package declares them all."""

from __future__ import annotations

from typing import Final

from s3api.operations import buckets, copy, deletion, listing, objects, parts, upload_listing, uploads

# Operations whose query may name a transform; HEAD shows the source, as AIStore does.
LENSED: Final = frozenset({"GetObject", "HeadObject"})
