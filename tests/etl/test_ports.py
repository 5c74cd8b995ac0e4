from __future__ import annotations

import pytest

from etl.runtimes.ports import addressed, free_port

PORT = 43210


def command(text: str) -> str:
    return " ".join(addressed(text.split(" "), PORT, {"PORT": str(PORT), "NAME": "value"}))


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ("uvicorn a:b --host 0.0.0.0 --port 8000 --workers 4", "uvicorn a:b --host 127.0.0.1 --port 43210 --workers 4"),
        ("gunicorn f:app --bind 0.0.0.0:8000 --workers 4", "gunicorn f:app --bind 127.0.0.1:43210 --workers 4"),
        ("gunicorn f:app --bind=0.0.0.0:8000", "gunicorn f:app --bind=127.0.0.1:43210"),
        ("gunicorn f:app -b :8000", "gunicorn f:app -b 127.0.0.1:43210"),
        ("gunicorn f:app -b [::]:8000", "gunicorn f:app -b 127.0.0.1:43210"),
        ("gunicorn f:app -b localhost:8000", "gunicorn f:app -b 127.0.0.1:43210"),
        ("serve --port=8000 --host=0.0.0.0", "serve --port=43210 --host=127.0.0.1"),
        ("serve -p 8000", "serve -p 43210"),
        ("serve $(PORT) $(NAME) $(OTHER) $$(PORT)", "serve 43210 value $(OTHER) $(PORT)"),
        ("serve http://0.0.0.0:8000/x", "serve http://127.0.0.1:43210/x"),
    ],
)
def test_the_container_s_port_becomes_the_server_s_own(given: str, run: str) -> None:
    assert command(given) == run


def test_the_text_of_a_shell_command_is_looked_through() -> None:
    given = ["sh", "-c", "sleep 1; exec uvicorn a:b --host 0.0.0.0 --port 8000 && x -p 8000"]
    assert addressed(given, PORT, {})[2] == "sleep 1; exec uvicorn a:b --host 127.0.0.1 --port 43210 && x -p 43210"


@pytest.mark.parametrize(
    "same",
    ["serve --port 9000", "convert --rate 8000", "serve 8000", "serve --port 80001", "serve host:8000",
     "x 10.0.0.0:8000",
     "fetch http://server:8000/", "serve --port 8000.5", "serve --export 8000", "serve 0.0.0.0", "serve :80001"],
)
def test_other_numbers_are_left_alone(same: str) -> None:
    assert command(same) == same


def test_a_free_port_is_free() -> None:
    assert 1024 < free_port() < 65536
