"""The certificate that the node serves HTTPS with, as it is told to those who ask."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from nativeapi.figures import Certificate


def read(path: Path) -> Certificate:
    """The first certificate of a PEM chain; `ValueError` when there is none, `OSError`."""
    found = x509.load_pem_x509_certificates(path.read_bytes())[0]
    first, last = found.not_valid_before_utc, found.not_valid_after_utc
    return Certificate(
        issued_by=found.issuer.rfc4514_string(),
        issued_to=found.subject.rfc4514_string(),
        valid=f"{first:%Y-%m-%d %H:%M:%S} - {last:%Y-%m-%d %H:%M:%S} UTC",
        not_before=int(first.timestamp()),
        not_after=int(last.timestamp()),
        serial_number=f"{found.serial_number:x}",
    )
