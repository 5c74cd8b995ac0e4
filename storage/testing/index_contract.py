"""What every engine of the index promises. Each check takes a function that makes a new, empty index."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TypeAlias

import gevent

from storage.index import KEY_LIMIT, CheckFailed, Index, IndexClosed

MakeIndex: TypeAlias = Callable[[], Index]

EVERYTHING = (b"", b"\xff" * (KEY_LIMIT + 1))
INCREMENTS = 8, 25  # workers, increments of each


@contextmanager
def _holding(make_index: MakeIndex, *pairs: tuple[bytes, bytes]) -> Iterator[Index]:
    with closing(make_index()) as index:
        index.commit(puts=pairs)
        yield index


def _pairs(keys: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    return [(key, b"value of " + key) for key in keys]


def _refusal(commit: Callable[[], object]) -> CheckFailed:
    try:
        commit()
    except CheckFailed as failure:
        return failure
    raise AssertionError("the commit should have been refused")


def check_get_returns_what_was_put(make_index: MakeIndex) -> None:
    with _holding(make_index, (b"key", b"value"), (b"empty", b"")) as index:
        assert index.get(b"key") == b"value"
        assert index.get(b"empty") == b""
        assert index.get(b"ke") is None
        assert index.get(b"key\0") is None
        assert index.get(b"") is None


def check_commit_returns_the_values_it_replaced(make_index: MakeIndex) -> None:
    with _holding(make_index, (b"a", b"1"), (b"b", b""), (b"c", b"3")) as index:
        replaced = index.commit(puts=[(b"d", b"4"), (b"a", b"5")], deletes=[b"c", b"x", b"b"])
        assert replaced == [None, b"1", b"3", None, b""]
        assert list(index.scan(*EVERYTHING)) == [(b"a", b"5"), (b"d", b"4")]
        assert index.commit() == []


def check_later_changes_of_a_commit_see_the_earlier(make_index: MakeIndex) -> None:
    with closing(make_index()) as index:
        assert index.commit(puts=[(b"a", b"1"), (b"a", b"2")], deletes=[b"a", b"a"]) == [None, b"1", b"2", None]
        assert index.get(b"a") is None


def check_checks_that_hold_let_the_commit_pass(make_index: MakeIndex) -> None:
    with _holding(make_index, (b"a", b"1")) as index:
        assert index.commit(checks=[(b"a", b"1"), (b"b", None)], puts=[(b"a", b"2"), (b"b", b"")]) == [b"1", None]
        assert index.commit(checks=[(b"b", b""), (b"", None)], deletes=[b"b"]) == [b""]
        assert list(index.scan(*EVERYTHING)) == [(b"a", b"2")]


def check_a_check_that_fails_changes_nothing(make_index: MakeIndex) -> None:
    before = [(b"a", b"1"), (b"b", b"2")]
    with _holding(make_index, *before) as index:
        for key, expected, found in [(b"b", None, b"2"), (b"b", b"1", b"2"), (b"c", b"", None)]:
            failure = _refusal(
                lambda: index.commit(checks=[(b"a", b"1"), (key, expected)], puts=[(b"c", b"3")], deletes=[b"a"])
            )
            assert (failure.key, failure.found) == (key, found)
            assert list(index.scan(*EVERYTHING)) == before


def check_keys_out_of_bounds_are_refused(make_index: MakeIndex) -> None:
    with closing(make_index()) as index:
        for key in (b"", b"k" * (KEY_LIMIT + 1)):
            try:
                index.commit(puts=[(b"beside", b""), (key, b"")])
            except ValueError:
                assert index.get(b"beside") is None
            else:
                raise AssertionError("the key should have been refused")


def check_scan_is_ordered_by_bytes(make_index: MakeIndex) -> None:
    keys = [b"\x00", b"\x00\x00", b"\x00\x01", b"A", b"a", b"a\x00", b"a/", b"ab", b"\x7f", b"\x80", b"\xff" * 2]
    with _holding(make_index, *_pairs(random.Random(1).sample(keys, len(keys)))) as index:
        assert list(index.scan(*EVERYTHING)) == _pairs(sorted(keys))
        assert list(index.scan(*EVERYTHING, reverse=True)) == _pairs(sorted(keys, reverse=True))


def check_scan_is_half_open(make_index: MakeIndex) -> None:
    with _holding(make_index, *_pairs([b"a", b"b", b"c", b"d"])) as index:
        assert list(index.scan(b"b", b"d")) == _pairs([b"b", b"c"])
        assert list(index.scan(b"b", b"d", reverse=True)) == _pairs([b"c", b"b"])
        assert list(index.scan(b"a\0", b"c\0")) == _pairs([b"b", b"c"])
        assert list(index.scan(b"a\0", b"c\0", reverse=True)) == _pairs([b"c", b"b"])


def check_empty_ranges_are_empty(make_index: MakeIndex) -> None:
    ranges = [(b"b", b"b"), (b"c", b"b"), (b"b\0", b"c"), (b"d", b"e"), (b"", b"a"), (b"", b"")]
    with _holding(make_index, *_pairs([b"a", b"b", b"c"])) as index:
        for start, stop in ranges:
            assert list(index.scan(start, stop)) == []
            assert list(index.scan(start, stop, reverse=True)) == []
    with closing(make_index()) as index:
        assert list(index.scan(*EVERYTHING)) == list(index.scan(*EVERYTHING, reverse=True)) == []


def check_batches_of_every_size_join(make_index: MakeIndex) -> None:
    pairs = _pairs(b"%05d" % number for number in range(3000))
    with _holding(make_index, *pairs) as index:
        for batch in (1, 7, 1000, 3000, 5000):
            assert list(index.scan(*EVERYTHING, batch=batch)) == pairs
            assert list(index.scan(*EVERYTHING, batch=batch, reverse=True)) == pairs[::-1]


def check_scan_yields_what_decode_makes_of_values(make_index: MakeIndex) -> None:
    with _holding(make_index, (b"a", b"12"), (b"b", b""), (b"c" * 900, b"345")) as index:
        expected = [(b"a", 2), (b"b", 0), (b"c" * 900, 3)]
        assert list(index.scan(*EVERYTHING, decode=len)) == expected
        assert list(index.scan(*EVERYTHING, decode=len, reverse=True)) == expected[::-1]
        assert list(index.scan(*EVERYTHING, decode=lambda value: bytes(value[:1])))[-1] == (b"c" * 900, b"3")


def check_an_open_scan_bears_changes(make_index: MakeIndex) -> None:
    """What stays is yielded once; what comes and goes meanwhile at most once; order holds."""
    staying = [b"%04d" % number for number in range(0, 600, 2)]
    passing = [b"%04d" % number for number in range(1, 600, 2)]
    for reverse in (False, True):
        with _holding(make_index, *_pairs(staying), *_pairs(passing[::2])) as index:
            seen = []
            for count, (key, _) in enumerate(index.scan(*EVERYTHING, reverse=reverse)):
                seen.append(key)
                index.commit(puts=_pairs([passing[count % 300]]), deletes=[passing[(count * 7) % 300]])
            assert seen == sorted(set(seen), reverse=reverse)
            assert set(staying) <= set(seen)


def check_long_keys_are_kept_in_order(make_index: MakeIndex) -> None:
    lengths = (1, 499, 500, 501, 502, 991, 992, 993, 1100, 1484, 1485, 2500, KEY_LIMIT)
    keys = {(b"k" * KEY_LIMIT)[:length - 1] + end for length in lengths for end in (b"\x00", b"\x01", b"k", b"\xff")}
    ordered = sorted(keys)
    with _holding(make_index, *_pairs(random.Random(2).sample(ordered, len(ordered)))) as index:
        assert list(index.scan(*EVERYTHING)) == _pairs(ordered)
        for first, key in enumerate(ordered):
            assert index.get(key) == b"value of " + key
            assert list(index.scan(key, EVERYTHING[1], reverse=True)) == _pairs(reversed(ordered[first:]))
            assert list(index.scan(b"", key)) == _pairs(ordered[:first])
        assert _refusal(lambda: index.commit(checks=[(ordered[-1], None)])).key == ordered[-1]
        assert index.commit(deletes=ordered) == [value for _, value in _pairs(ordered)]
        assert list(index.scan(*EVERYTHING)) == []


def check_values_of_megabytes_are_kept(make_index: MakeIndex) -> None:
    values = [random.Random(size).randbytes(size) for size in (1, 4095, 4096, 65_537, 5 << 20)]
    pairs = [(b"%d" % number, value) for number, value in enumerate(values)]
    with _holding(make_index, *pairs) as index:
        assert list(index.scan(*EVERYTHING)) == pairs
        assert index.commit(puts=[(b"4", b"")], deletes=[b"0"]) == [values[4], values[0]]


def check_commits_of_threads_are_atomic(make_index: MakeIndex) -> None:
    def together(work: Sequence[Callable[[], None]]) -> None:
        threads = [threading.Thread(target=each) for each in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    _check_increments(make_index, together)


def check_commits_of_greenlets_are_atomic(make_index: MakeIndex) -> None:
    def together(work: Sequence[Callable[[], None]]) -> None:
        gevent.joinall([gevent.spawn(each) for each in work], raise_error=True)

    _check_increments(make_index, together)


def _check_increments(make_index: MakeIndex, together: Callable[[Sequence[Callable[[], None]]], None]) -> None:
    """Each worker raises the same counter by comparing and swapping; none of it is lost nor done twice."""
    workers, increments = INCREMENTS
    with _holding(make_index, (b"counter", b"0")) as index:

        def increment() -> None:
            for _ in range(increments):
                _swap_until_done(index)

        together([increment] * workers)
        assert index.get(b"counter") == b"%d" % (workers * increments)


def _swap_until_done(index: Index) -> None:
    found = index.get(b"counter")
    while found is not None:
        try:
            index.commit(checks=[(b"counter", found)], puts=[(b"counter", b"%d" % (int(found) + 1))])
            return
        except CheckFailed as failure:
            found = failure.found
    raise AssertionError("the counter is gone")


def check_closing_twice_is_fine_and_every_use_afterwards_raises(make_index: MakeIndex) -> None:
    index = make_index()
    index.commit(puts=_pairs(b"%d" % number for number in range(100)))
    scan = index.scan(*EVERYTHING)
    next(scan)
    index.close()
    index.close()
    uses: list[Callable[[], object]] = [
        lambda: index.get(b"1"),
        lambda: index.get(b"1" * 1000),
        lambda: list(index.scan(*EVERYTHING)),
        lambda: list(scan),
        lambda: index.commit(puts=[(b"a", b"")]),
    ]
    for use in uses:
        try:
            use()
        except IndexClosed:
            continue
        raise AssertionError("a closed index answered")


CHECKS: Sequence[Callable[[MakeIndex], None]] = [
    promise for name, promise in sorted(globals().items()) if name.startswith("check_")
]
