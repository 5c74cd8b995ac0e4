"""Logging in and out."""

from __future__ import annotations

from nativeapi.authn.documents import LoginDocument, TokenDocument, read
from nativeapi.authn.service import Authn
from nativeapi.authn.tokens import LONGEST, MINUTE, USUAL, Holder
from nativeapi.call import EMPTY, Call, Reply, json_reply
from nativeapi.errors import NativeError
from storage.identities.records import ADMIN, User


def login(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """A token for the user whose password is right; the same 401, as late, for a wrong name and a wrong password."""
    asked = read(call, LoginDocument)
    lifetime = lifetime_of(asked.expires_in)
    who = f"{call.environ.get('REMOTE_ADDR', '')} {name[:64]}"
    authn.guesses.begin(who)
    user = authn.directory.user(name)
    if not knows(authn, user, asked.password) or user is None:
        raise NativeError(401, "invalid credentials")
    authn.guesses.succeeded(who)
    call.environ["sluice.account"] = authn.tokens.principal(user).id
    return json_reply({"token": authn.tokens.issue(user, lifetime, call.origin())})


def knows(authn: Authn, user: User | None, password: str) -> bool:
    """Whether it is the user's password. The administrator's is root's token until another is set."""
    hashed = "" if user is None else user.password
    right = authn.passwords.matches(hashed, password)
    if user is not None and user.name == ADMIN and not hashed:
        return authn.keyring.token(password) is not None
    return right


def lifetime_of(asked: int | None) -> int:
    """ns; None means the usual, 0 the longest that there is."""
    if asked is None:
        return USUAL
    if asked == 0:
        return LONGEST
    if not MINUTE <= asked <= LONGEST:
        raise NativeError(400, f"invalid expires_in {asked}: expecting 0, or {MINUTE} to {LONGEST} nanoseconds")
    return asked


def revoke(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """Revoke a token, which to have is enough; or several, as one AuthN server tells them to a cluster."""
    asked = read(call, TokenDocument)
    if not asked.token and not asked.tokens:
        raise NativeError(400, "token required: the message names none")
    for token in filter(None, (asked.token, *asked.tokens)):
        authn.tokens.revoke(token)
    return EMPTY
