"""Accounts: the identities file, root's keys, and the keyring over both."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from appliance.identities import ROOT_ID, Account, Keyring, WrongIdentities, read_accounts
from appliance.root import ADMINISTRATOR, FILE, Root, WrongRoot, generate, keyring_accounts, load, load_or_make
from appliance.settings.sources import load as load_settings
from storage.access import Principal

TWO = """
[[account]]
id = "alice"
name = "Alice"
email = "alice@example.com"
keys = [{access = "ALICE1", secret = 'odd/+="\\ é secret'}, {access = "ALICE2", secret = "second"}]

[[account]]
id = "bob"
keys = []
"""


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "identities.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(WrongIdentities) as caught:
        read_accounts(write(folder, text))
    line = str(caught.value)
    assert "\n" not in line and ";" in line
    return line


def test_an_account_has_its_names_and_any_number_of_keys(tmp_path: Path) -> None:
    alice, bob = read_accounts(write(tmp_path, TWO))
    assert alice.principal == Principal("alice", "Alice", "alice@example.com")
    assert alice.keys == {"ALICE1": 'odd/+="\\ é secret', "ALICE2": "second"}
    assert (bob.principal.name, bob.keys) == ("bob", {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[account]]\nname = 'x'", "account 1: id is missing"),
        ("[[account]]\nid = 7", "account 1: id is not a text"),
        ("[[account]]\nid = 'a'\nrole = 'x'", "account 1: role is not known"),
        ("[[accounts]]\nid = 'a'", "accounts is not known"),
        ("account = 'a'", "account is no list of tables"),
        ("[[account]]\nid = 'a'\nkeys = ['x']", "keys is no list of tables"),
        ("[[account]]\nid = 'a'\nkeys = [{access = 'x'}]", "key 1: secret is missing"),
        ("[[account]]\nid = 'a'\nkeys = [{access = 'x/y', secret = 's'}]", "key 1: access contains"),
        ("[[account]]\nid = 'a'\nkeys = [{access = 'x', secret = 's', x = 1}]", "key 1: x is not known"),
        ("[[account]]\nid = 'a'\n[[account]]\nid = 'a'", "the id a is there twice"),
        ("[[account]]\nid = 'a'\nemail = 'e'\n[[account]]\nid = 'b'\nemail = 'e'", "the e-mail e is there twice"),
        (
            "[[account]]\nid = 'a'\nkeys = [{access = 'x', secret = 's'}, {access = 'x', secret = 't'}]",
            "the access key x is there twice",
        ),
        (
            "[[account]]\nid = 'a'\nkeys = [{access = 'x', secret = 's'}]\n"
            "[[account]]\nid = 'b'\nkeys = [{access = 'x', secret = 't'}]",
            "the access key x is there twice",
        ),
        ("[[account", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    assert why in refusal(tmp_path, text)


def test_a_file_that_others_may_read_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read_accounts(write(tmp_path, TWO, 0o644))
    assert "chmod 600" in caplog.text


def test_the_keyring_finds_keys_and_tokens_of_those_who_have_them(tmp_path: Path) -> None:
    keyring = Keyring(read_accounts(write(tmp_path, TWO)), tokens={"röot-token": ADMINISTRATOR})
    found = keyring.credential("ALICE2")
    assert found is not None and (found.secret, found.principal.id) == ("second", "alice")
    assert keyring.credential("ALICE3") is None
    assert keyring.token("röot-token") == ADMINISTRATOR
    assert keyring.token("röot-tokem") is None and keyring.token("") is None and keyring.token("\udcff") is None


def test_root_with_its_s3_keys_is_no_administrator_with_its_token_it_is() -> None:
    root = generate()
    keyring = Keyring([root.account()], tokens={root.token: ADMINISTRATOR})
    found = keyring.credential(root.access_key)
    assert found is not None and not found.principal.administrator
    principal = keyring.token(root.token)
    assert principal is not None and principal.administrator and principal.id == found.principal.id == ROOT_ID


def test_the_first_start_keeps_keys_that_their_owner_alone_can_read(tmp_path: Path) -> None:
    settings = load_settings({"data": [str(tmp_path)]}, {})
    assert load(settings) is None
    made, new = load_or_make(settings, settings.data)
    assert new and load(settings) == made and load_or_make(settings, settings.data) == (made, False)
    status = os.stat(tmp_path / FILE)
    assert stat.S_IMODE(status.st_mode) == 0o600 and stat.S_IMODE(os.stat(tmp_path / FILE.parent).st_mode) == 0o700
    assert os.listdir(tmp_path / FILE.parent) == [FILE.name]


def test_every_volume_keeps_roots_keys(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    settings = load_settings({"data": [str(one), str(two)]}, {})
    made, _ = load_or_make(settings, settings.data)
    (one / FILE).unlink()
    assert load_or_make(settings, settings.data) == (made, False)
    assert (one / FILE).read_text() == (two / FILE).read_text()


def test_settings_decide_before_the_kept_keys(tmp_path: Path) -> None:
    kept, _ = load_or_make(load_settings({"data": [str(tmp_path)]}, {}), [tmp_path])
    settings = load_settings(
        {"data": [str(tmp_path)], "root_access_key": ["ADMIN"], "root_secret_key": ["other"]}, {}
    )
    assert load_or_make(settings, [tmp_path]) == (Root("ADMIN", "other", kept.token), False)


def test_keys_given_in_full_are_not_kept(tmp_path: Path) -> None:
    flags = {"root_access_key": ["ADMIN"], "root_secret_key": ["s"], "root_token": ["t"], "data": [str(tmp_path)]}
    assert load_or_make(load_settings(flags, {}), [tmp_path]) == (Root("ADMIN", "s", "t"), False)
    assert not (tmp_path / FILE).exists()


def test_a_damaged_file_of_keys_is_never_overwritten(tmp_path: Path) -> None:
    settings = load_settings({"data": [str(tmp_path)]}, {})
    load_or_make(settings, [tmp_path])
    (tmp_path / FILE).write_text("access_key = ")
    with pytest.raises(WrongRoot, match="is damaged"):
        load_or_make(settings, [tmp_path])
    assert (tmp_path / FILE).read_text() == "access_key = "


def test_no_account_may_pass_for_root() -> None:
    root = generate()
    for impostor in (Account(Principal(ROOT_ID, "x"), {}), Account(Principal("x", "x"), {root.access_key: "s"})):
        with pytest.raises(WrongRoot, match="has root's id or access key"):
            keyring_accounts(root, [impostor])
