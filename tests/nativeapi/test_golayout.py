"""Go's layouts of times."""

from __future__ import annotations

from calendar import timegm

import pytest

from nativeapi.golayout import formatted

MOMENT = timegm((2026, 11, 6, 22, 2, 3)) * 1_000_000_000 + 45_600_000  # ns; a Friday


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("", "06 Nov 26 22:02 UTC"),
        ("RFC3339", "2026-11-06T22:02:03Z"),
        ("2006-01-02T15:04:05Z07:00", "2026-11-06T22:02:03Z"),
        ("Mon, 02 Jan 2006 15:04:05 -0700", "Fri, 06 Nov 2026 22:02:03 +0000"),
        ("Monday, January _2, 3:04:05pm", "Friday, November  6, 10:02:03pm"),
        ("Stamp", "Nov  6 22:02:03"),
        ("StampMilli", "Nov  6 22:02:03.045"),
        ("15:04:05.999999999", "22:02:03.0456"),
        ("15:04:05,00", "22:02:03,04"),
        ("05.9", "03"),
        ("002 1/2 03PM '06", "310 11/6 10PM '26"),
        ("Janitor Month _2006", "Janitor Month _2026"),
        ("nothing of a time", "nothing of a time"),
    ],
)
def test_layouts_read_as_go_reads_them(layout: str, text: str) -> None:
    assert formatted(MOMENT, layout) == text
