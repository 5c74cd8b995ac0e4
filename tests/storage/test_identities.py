"""Users, roles, revoked tokens and guessed passwords in the catalog."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from storage.access import Grants, Principal
from storage.catalog import Catalog
from storage.errors import IdentityExists, NoSuchIdentity, TooManyAttempts
from storage.identities.attempts import FREE, KEPT, LONGEST, Guesses
from storage.identities.directory import Directory, grants
from storage.identities.memberships import Memberships
from storage.identities.passwords import Passwords
from storage.identities.records import ADMIN, ADMIN_ROLE, REVOKED, BucketAcl, ClusterAcl, Role, User
from storage.rights import GET, OBJ_LIST, PUT
from tests.storage.conftest import World

SECOND = 10**9


class Clock:
    def __init__(self) -> None:
        self.now = 1000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog(world: World) -> Catalog:
    return world.store.catalog


@pytest.fixture
def directory(catalog: Catalog, clock: Clock) -> Directory:
    return Directory(catalog, clock=clock)


def test_a_name_is_taken_once(directory: Directory) -> None:
    directory.users.add("alice", User("alice", "hash"))
    with pytest.raises(IdentityExists):
        directory.users.add("alice", User("alice", "other"))
    assert directory.users.get("alice").password == "hash"
    directory.users.remove("alice")
    for missing in (directory.users.get, directory.users.remove):
        with pytest.raises(NoSuchIdentity) as refused:
            missing("alice")
        assert (refused.value.kind, refused.value.name) == ("user", "alice")


def test_changes_of_many_at_once_are_all_there(directory: Directory) -> None:
    directory.users.add("alice", User("alice", "hash"))

    def hold(role: str) -> None:
        directory.users.change("alice", lambda user: msgspec.structs.replace(user, roles=(*user.roles, role)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, map(str, range(40))))
    assert sorted(directory.users.get("alice").roles, key=int) == [str(number) for number in range(40)]


def test_the_administrator_and_its_role_are_there_without_a_record(directory: Directory) -> None:
    admin = directory.user(ADMIN)
    assert admin is not None and [role.administrator for role in directory.roles_of(admin)] == [True]
    assert [role.name for role in directory.all_roles()] == [ADMIN_ROLE]
    assert list(directory.all_users()) == [ADMIN]


def test_a_removed_role_is_taken_from_its_holders(directory: Directory) -> None:
    directory.roles.add("readers", Role("readers"))
    directory.users.add("alice", User("alice", "", ("readers", "others")))
    directory.remove_role("readers")
    assert directory.users.get("alice").roles == ("others",)
    with pytest.raises(NoSuchIdentity):
        directory.remove_role("readers")


def test_rights_of_roles_add_up_on_their_cluster_alone() -> None:
    one = Role("one", "", (ClusterAcl("here", GET), ClusterAcl("there", PUT)), (BucketAcl("here", "ais", "b", GET),))
    two = Role("two", "", (ClusterAcl("here", OBJ_LIST),), (BucketAcl("here", "ais", "b", PUT),))
    three = Role("three", "", (), (BucketAcl("there", "ais", "c", PUT), BucketAcl("here", "aws", "d", PUT)))
    assert grants([one, two, three], "here") == Grants(GET | OBJ_LIST, {"b": GET | PUT})


def test_an_account_has_the_rights_of_its_users_roles_as_they_are_now(directory: Directory) -> None:
    members, alice = Memberships(directory, cluster="here"), Principal("alice", "Alice")
    assert members.of(alice) == alice
    directory.roles.add("readers", Role("readers", "", (ClusterAcl("here", GET),)))
    directory.users.add("alice", User("alice", "", ("readers",)))
    assert members.of(alice).grants == Grants(GET)
    directory.remove_role("readers")
    assert members.of(alice).grants == Grants()


def test_revoked_tokens_are_forgotten_once_they_have_expired(
    directory: Directory, catalog: Catalog, clock: Clock
) -> None:
    for number in range(10):
        directory.revoke(f"{number}", until=clock.now + number * SECOND)
    clock.now += 100 * SECOND
    for number in range(10, 14):
        directory.revoke(f"{number}", until=clock.now + SECOND)
    assert [name for name, _ in catalog.all(REVOKED)] == ["10", "11", "12", "13"]
    assert directory.revoked("12") and not directory.revoked("2")


def test_guesses_are_slowed_down_more_and_more(catalog: Catalog, clock: Clock) -> None:
    guesses = Guesses(catalog, clock=clock)
    for _ in range(FREE):
        guesses.begin("alice")
    pauses = []
    for _ in range(9):
        with pytest.raises(TooManyAttempts) as refused:
            guesses.begin("alice")
        pauses.append(refused.value.seconds)
        clock.now += refused.value.seconds * SECOND
        guesses.begin("alice")
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST, LONGEST, LONGEST]
    guesses.begin("bob")
    clock.now += KEPT * SECOND
    for _ in range(FREE):
        guesses.begin("alice")


def test_the_right_password_ends_the_count_and_many_at_once_gain_nothing(catalog: Catalog, clock: Clock) -> None:
    guesses = Guesses(catalog, clock=clock)

    def attempt(_: int) -> bool:
        try:
            Guesses(catalog, clock=clock).begin("alice")
        except TooManyAttempts:
            return False
        return True

    for _ in range(2):
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(24))) == FREE
        guesses.succeeded("alice")


def test_passwords_are_kept_as_hashes_alone() -> None:
    passwords = Passwords()
    hashed = passwords.hash("a secret")
    assert hashed.startswith("$argon2id$") and "secret" not in hashed and passwords.hash("a secret") != hashed
    assert passwords.matches(hashed, "a secret") and not passwords.matches(hashed, "a Secret")
    assert not passwords.matches("", "") and not passwords.matches("", "a secret")
