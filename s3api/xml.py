"""XML text as S3 writes it."""

from __future__ import annotations

import re

HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

_SPECIAL = re.compile("[\x00-\x1f&<>\"\x7f\ufffe\uffff]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REPLACEMENT = "\ufffd"
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def _replacement(found: re.Match[str]) -> str:
    character = found[0]
    return _NAMED.get(character) or f"&#{ord(character)};"


def escape(text: str) -> str:
    """`text` as element content. Control characters become references: XML 1.0 has no other way to say them, and for
    those that it cannot say at all clients ask for `encoding-type=url`."""
    return _SPECIAL.sub(_replacement, text)


def escape_legibly(text: str) -> str:
    """`text` as element content that every XML parser reads: what XML 1.0 cannot say is replaced. For messages that
    repeat what a client sent; a key is never changed in this way."""
    return escape(_FORBIDDEN.sub(_REPLACEMENT, text))
