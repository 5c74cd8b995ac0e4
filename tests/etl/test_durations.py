from __future__ import annotations

import pytest

from etl.durations import parse, show


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("45s", 45), ("1h2m3s", 3723), ("500ms", 0.5), ("1.5s", 1.5), (".5s", 0.5), ("0", 0), ("0s", 0),
     ("1m30s", 90), ("-2s", -2), ("+2s", 2), ("3µs", 3e-6), ("3us", 3e-6), ("7ns", 7e-9), ("1.5h", 5400)],
)
def test_durations_mean_what_go_means(text: str, seconds: float) -> None:
    assert parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "5min", "1d", "--1s", "1s2", "s1", "1e3s", "999999999h", "."])
def test_what_go_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(300, "5m"), (45, "45s"), (90, "1m30s"), (3723, "1h2m3s"), (3600, "1h"), (0.5, "500ms"), (1.5, "1.5s"), (0, "0s"),
     (3e-6, "3µs"), (7e-9, "7ns"), (-2, "-2s"), (0.0015, "1.5ms")],
)
def test_durations_are_shown_in_go_s_way(seconds: float, text: str) -> None:
    assert show(seconds) == text
    assert parse(text) == pytest.approx(seconds)
