"""Logins and the tokens that they give: taken, refused, revoked, verified by others."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from aistore import Client
from aistore.sdk.authn import AuthNClient
from aistore.sdk.authn.access_attr import AccessAttr
from aistore.sdk.authn.errors import AuthNError, ErrUserInvalidCredentials
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.conftest import StartNode
from tests.nativeapi.conftest import Login, get, status
from tests.node import Node


def test_a_login_gives_a_token_that_the_node_takes(node: Node, admin: AuthNClient) -> None:
    buckets = Client(node.endpoint, token=admin.client.token).cluster().list_buckets()
    assert isinstance(buckets, list)


def test_wrong_names_and_wrong_passwords_look_the_same(node: Node, user: Login) -> None:
    name, client = user(AccessAttr.GET)
    for who in (name, "nobody-of-this-name"):
        with pytest.raises(ErrUserInvalidCredentials) as refused:
            client.login(who, "wrong")
        assert refused.value.status_code == 401


def test_a_revoked_token_is_refused_by_every_worker_at_once(node: Node, user: Login) -> None:
    _, client = user(AccessAttr.LIST_BUCKETS)
    token = client.client.token
    assert token is not None
    before = [status(node, token) for _ in range(20)]  # both workers have seen it
    client.logout()
    after = [get(node, "/v1/buckets", token) for _ in range(20)]
    assert set(before) == {200} and {reply.status_code for reply in after} == {401}
    assert after[0].json()["message"] == "token revoked"
    with pytest.raises(AuthNError, match="token revoked"):
        client.token_manager().revoke(token)


def test_tokens_survive_a_kill_and_stay_revoked(start_node: StartNode) -> None:
    node = start_node("--workers", "2")
    client = AuthNClient(node.endpoint)
    kept, gone = client.login("admin", node.token), client.login("admin", node.token)
    client.logout()
    node.kill()
    node.start()
    assert (status(node, kept), status(node, gone)) == (200, 401)


def test_a_cluster_is_told_of_revoked_tokens_as_authn_tells_it(node: Node, admin: AuthNClient, user: Login) -> None:
    tokens = [user(AccessAttr.LIST_BUCKETS)[1].client.token for _ in range(2)]
    message = {"tokens": tokens, "version": "1"}
    assert requests.delete(f"{node.endpoint}/v1/tokens", json=message, timeout=10).status_code == 200
    assert [status(node, token) for token in tokens] == [401, 401]


@pytest.mark.parametrize("text", ["", "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."])
def test_what_is_no_token_cannot_be_revoked(node: Node, text: str) -> None:
    reply = requests.delete(f"{node.endpoint}/v1/tokens", json={"token": text}, timeout=10)
    assert reply.status_code == (401 if text else 400)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "token required"),
        ("nonsense", "invalid token"),
        ("a.b.c", "invalid token"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0.", "invalid token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl", "invalid token"),
    ],
)
def test_requests_without_a_good_token_are_told_why(node: Node, token: str | None, message: str) -> None:
    reply = get(node, "/v1/buckets", token)
    assert (reply.status_code, reply.json()["message"]) == (401, message)
    assert status(node, token, "/v1/health") == 200


def test_an_altered_token_is_refused(node: Node, admin: AuthNClient) -> None:
    assert admin.client.token is not None
    head, claims, signature = admin.client.token.split(".")
    other = "A" if claims[20] != "A" else "B"
    assert status(node, f"{head}.{claims[:20]}{other}{claims[21:]}.{signature}") == 401
    assert status(node, f"{head}.{claims}.{signature[::-1]}") == 401


def test_a_token_says_whose_it_is_and_anybody_can_verify_it(node: Node, admin: AuthNClient, user: Login) -> None:
    name, client = user(AccessAttr.GET, AccessAttr.PUT, bucket="claimed")
    found = requests.get(f"{node.endpoint}/.well-known/openid-configuration", timeout=10).json()
    assert found["issuer"] == node.endpoint
    keys = requests.get(found["jwks_uri"], timeout=10).json()
    assert client.client.token is not None and "d" not in keys["keys"][0]
    claims = jwt.decode(client.client.token, KeySet.import_key_set(keys), algorithms=["RS256"]).claims
    uuid = Client(node.endpoint, token=node.token).cluster().get_uuid()
    assert (claims["sub"], claims["iss"], claims["aud"], claims["admin"]) == (name, node.endpoint, [uuid], False)
    bck = {"name": "claimed", "provider": "ais", "namespace": {"uuid": uuid, "name": ""}}
    assert (claims["clusters"], claims["buckets"]) == ([], [{"bck": bck, "perm": "5"}])
    assert claims["exp"] - claims["iat"] == 24 * 3600


def test_a_token_is_good_for_as_long_as_was_asked(node: Node) -> None:
    client = AuthNClient(node.endpoint)
    keys = KeySet.import_key_set(requests.get(f"{node.endpoint}/.well-known/jwks.json", timeout=10).json())
    for asked, given in ((0, 30 * 86400), (60, 60), (3600, 3600)):
        token = client.login("admin", node.token, expires_in=asked)
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        assert claims["exp"] - claims["iat"] == given
    for asked in (59, 30 * 86400 + 1, -1):
        with pytest.raises(AuthNError) as refused:
            client.login("admin", node.token, expires_in=asked)
        assert refused.value.status_code == 400


def test_guessing_is_slowed_down_over_all_workers(node: Node, user: Login) -> None:
    name, _ = user(AccessAttr.GET)
    url = f"{node.endpoint}/v1/users/{name}"
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: requests.post(url, json={"password": f"x{n}"}, timeout=20), range(16)))
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses == [401] * 5 + [429] * 11
    refused = requests.post(url, json={"password": "secret"}, timeout=20)
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 60
    time.sleep(1.1)
    assert requests.post(url, json={"password": "secret"}, timeout=20).status_code == 200
    assert requests.post(url, json={"password": "wrong"}, timeout=20).status_code == 401


def test_the_access_log_tells_who_did_what_and_no_secret(start_node: StartNode) -> None:
    node = start_node()
    authn = AuthNClient(node.endpoint, token=node.token)
    authn.user_manager().create("alice", ["Admin"], "alices-password")
    token = AuthNClient(node.endpoint).login("alice", "alices-password")
    with pytest.raises(ErrUserInvalidCredentials):
        AuthNClient(node.endpoint).login("alice", "wrong-password")
    status(node, token)
    assert node.stop() == 0
    text = (node.folder / "access.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    told = {(line["operation"], line["key"], line["status"], line["account"]) for line in lines}
    assert ("authn.Login", "alice", 200, "alice") in told and ("authn.Login", "alice", 401, "") in told
    for secret in ("alices-password", "wrong-password", token, node.token):
        assert secret not in text and secret not in node.log
