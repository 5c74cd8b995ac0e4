"""Settings: where they come from, which place decides, and how a wrong one is refused."""

from __future__ import annotations

import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from appliance.settings import DEFAULTS, ROWS, Settings, default_text, flag, variable
from appliance.settings.kinds import show_size
from appliance.settings.reference import markdown
from appliance.settings.sources import WrongSetting, load
from tests.node import SLUICE

REPOSITORY = Path(__file__).parents[2]


def refusal(flags: dict[str, list[str]], environment: dict[str, str] | None = None) -> str:
    with pytest.raises(WrongSetting) as caught:
        load(flags, environment or {})
    line = str(caught.value)
    assert "\n" not in line
    return line


def write(folder: Path, text: str) -> str:
    path = folder / "sluice.toml"
    path.write_text(text)
    return str(path)


def test_without_any_source_every_setting_has_its_default() -> None:
    settings = load({}, {})
    assert {each.name: getattr(settings, each.name) for each in fields(Settings)} == DEFAULTS


@pytest.mark.parametrize("name", [name for name in ROWS if DEFAULTS[name] is not None])
def test_the_default_that_is_shown_is_the_default(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    row = ROWS[name]
    if row.default_text is not None or not default_text(name):
        return
    shown = getattr(load({name: [default_text(name)]}, {}), name)
    assert shown == (DEFAULTS[name] if name != "data" else (tmp_path / "data",))


def test_flags_decide_before_the_environment_that_before_the_file(tmp_path: Path) -> None:
    config = write(tmp_path, 'port = 1001\nregion = "file"\nworkers = 7')
    environment = {"SLUICE_CONFIG": config, "SLUICE_PORT": "1002", "SLUICE_REGION": "environment"}
    settings = load({"port": ["1003"]}, environment)
    assert (settings.port, settings.region, settings.workers) == (1003, "environment", 7)


def test_a_config_flag_decides_before_its_variable(tmp_path: Path) -> None:
    config = write(tmp_path, "port = 1001")
    assert load({"config": [config]}, {"SLUICE_CONFIG": "/missing.toml"}).port == 1001


def test_lists_are_repeated_flags_commas_and_toml_lists(tmp_path: Path) -> None:
    wanted = (Path("/a"), Path("/b"))
    assert load({"data": ["/a", "/b"]}, {}).data == wanted
    assert load({}, {"SLUICE_DATA": "/a, /b"}).data == wanted
    assert load({"config": [write(tmp_path, 'data = ["/a", "/b"]')]}, {}).data == wanted


def test_every_kind_of_value_is_read_from_toml(tmp_path: Path) -> None:
    config = write(tmp_path, 'signature_v2 = false\nhead_seconds = 2.5\ninline_limit = "16KiB"\nport = 1001')
    settings = load({"config": [config]}, {})
    assert (settings.signature_v2, settings.head_seconds, settings.inline_limit) == (False, 2.5, 16384)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("port", "http", "is not a whole number"),
        ("port", "70000", "is out of range; give a whole number from 1 to 65535"),
        ("bucket_defaults", "modern", "is not known; give classic or aws2023"),
        ("durability", "none", "give sync or relaxed"),
        ("signature_v2", "yes", "is neither on nor off; give on or off"),
        ("inline_limit", "32K", "is not a size"),
        ("keep_alive_seconds", "10", "is out of range; give seconds from 75 to 86400"),
        ("tls_key", "/missing/key.pem", "cannot be read (No such file or directory)"),
        ("domain", "S3.Example", "is not a domain"),
        ("access_log", "/missing/folder/access.log", "lies in a directory that does not exist"),
        ("address", "", "is not an address"),
    ],
)
def test_a_wrong_value_names_its_source_the_reason_and_the_remedy(name: str, text: str, why: str) -> None:
    line = refusal({name: [text]})
    assert line.startswith(f"{flag(name)}: {text!r} ") and why in line
    line = refusal({}, {variable(name): text})
    assert line.startswith(f"{variable(name)} (environment): {text!r} ") and why in line


def test_a_wrong_secret_is_not_shown() -> None:
    line = refusal({"root_secret_key": ["hidden secret"]})
    assert "hidden" not in line and line.startswith("--root-secret-key is not a secret")


def test_unknown_variables_are_refused() -> None:
    assert refusal({}, {"SLUICE_PROT": "9000"}).startswith("SLUICE_PROT (environment) is no setting; unset it")


def test_variables_that_kubernetes_makes_of_a_service_are_explained() -> None:
    assert "enableServiceLinks: false" in refusal({}, {"SLUICE_PORT": "tcp://10.0.0.1:9000"})
    assert "enableServiceLinks: false" in refusal({}, {"SLUICE_SERVICE_HOST": "10.0.0.1"})


def test_unknown_keys_of_the_file_are_refused(tmp_path: Path) -> None:
    config = write(tmp_path, "prot = 9000")
    assert refusal({"config": [config]}) == (
        f"prot in {config} is no setting; remove it, or see `sluice settings` for the names"
    )


def test_a_file_of_the_wrong_form_is_refused(tmp_path: Path) -> None:
    assert "which is not TOML" in refusal({"config": [write(tmp_path, "port 9000")]})
    assert "has a value of the wrong type; give a list of strings" in refusal(
        {"config": [write(tmp_path, "data = {a = 1}")]}
    )
    assert "cannot be read" in refusal({}, {"SLUICE_CONFIG": str(tmp_path / "missing.toml")})


@pytest.mark.parametrize(
    ("given", "absent"),
    [("root_access_key", "root_secret_key"), ("root_secret_key", "root_access_key")],
)
def test_half_of_a_pair_is_refused(given: str, absent: str) -> None:
    line = refusal({given: ["something"]})
    assert line == f"{flag(given)} was given without {absent}; give {flag(absent)} or {variable(absent)} too"


def test_sizes_are_shown_with_the_largest_unit_that_divides_them() -> None:
    assert [show_size(value) for value in (0, 100, 1024, 1536, 2**28, 2**40)] == [
        "0", "100", "1KiB", "1536", "256MiB", "1TiB",
    ]


def test_the_page_about_settings_is_made_from_the_table() -> None:
    assert (REPOSITORY / "docs" / "settings.md").read_text() == markdown(), "run `make settings`"


def test_every_setting_has_help_that_ends_in_a_full_stop() -> None:
    assert [name for name, row in ROWS.items() if not row.help.rstrip().endswith(".")] == []


def test_a_wrong_setting_ends_the_start_with_status_2_and_one_line() -> None:
    done = subprocess.run([*SLUICE, "serve", "--port", "x"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sluice: --port: 'x' is not a whole number; give a whole number from 1 to 65535\n"
