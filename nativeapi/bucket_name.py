"""The name under which this node keeps a bucket: its own, or, in a local namespace, `#namespace/bucket`.

That is how AIStore shows it after `ais://`, and no name of S3 has these characters: a bucket in a namespace can neither
be seen nor be reached through S3.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BucketName:
    """A bucket's name and its local namespace, "" for the global one."""

    name: str
    namespace: str = ""

    @classmethod
    def of(cls, stored: str) -> BucketName:
        """From the name under which the bucket is kept."""
        if not stored.startswith("#"):
            return cls(stored)
        namespace, _, name = stored[1:].partition("/")
        return cls(name, namespace)

    @property
    def stored(self) -> str:
        return f"#{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def within(self) -> str:
        """What ends a sentence about the bucket. The SDK takes `ais://#namespace/bucket` for an object, so sentences by
        which it recognises missing and existing buckets name the namespace apart."""
        return f' in namespace "#{self.namespace}"' if self.namespace else ""
