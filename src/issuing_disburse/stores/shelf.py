"""
How are the records of one kind found in memory, without looking at all of them?
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import merge, nsmallest
from itertools import islice
from typing import Generic, TypeVar

from issuing_disburse.rows import Row

K = TypeVar("K", str, tuple[str, str], tuple[datetime, str])
R = TypeVar("R", bound=Row)

_BLOCK = 512


class SortedKeys(Generic[K]):
    """
    Keys in order, in blocks, so that adding one moves a few hundred others and not all.
    """

    def __init__(self, keys: Iterable[K] = ()) -> None:
        ordered = sorted(keys)
        self._blocks: list[list[K]] = [
            ordered[at : at + _BLOCK] for at in range(0, len(ordered), _BLOCK)
        ]
        self._lasts: list[K] = [block[-1] for block in self._blocks]

    def add(self, key: K) -> None:
        """
        Put *key*, which must be new, in its place.
        """
        if not self._blocks:
            self._blocks, self._lasts = [[key]], [key]
            return
        at = min(bisect_left(self._lasts, key), len(self._blocks) - 1)
        block = self._blocks[at]
        insort(block, key)
        if len(block) > 2 * _BLOCK:
            self._blocks[at : at + 1] = [block[:_BLOCK], block[_BLOCK:]]
            self._lasts[at : at + 1] = [block[_BLOCK - 1], block[-1]]
        else:
            self._lasts[at] = block[-1]

    def remove(self, key: K) -> None:
        """
        Take *key*, which must be there, out.
        """
        at = bisect_left(self._lasts, key)
        block = self._blocks[at]
        del block[bisect_left(block, key)]
        if block:
            self._lasts[at] = block[-1]
        else:
            del self._blocks[at], self._lasts[at]

    def after(self, key: K) -> Iterator[K]:
        """
        Yield the keys behind *key*, in order. Nothing may be added meanwhile.
        """
        at = bisect_right(self._lasts, key)
        for number, block in enumerate(self._blocks[at:]):
            yield from block if number else islice(block, bisect_right(block, key), None)


class _Index:
    """
    The keys of one shelf by everything that `find` can ask for.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.keys: SortedKeys[str] = SortedKeys(row.key for row in rows)
        self.groups: SortedKeys[tuple[str, str]] = SortedKeys((row.group, row.key) for row in rows)
        self.states: SortedKeys[tuple[str, str]] = SortedKeys((row.state, row.key) for row in rows)
        self.dues: SortedKeys[tuple[datetime, str]] = SortedKeys(
            (row.due_at, row.key) for row in rows if row.due_at is not None
        )

    def change(self, key: str, old: Row | None, new: Row | None) -> None:
        if old is None or new is None:
            _move(self.keys, None if old is None else key, None if new is None else key)
        _move(self.groups, _group(old), _group(new))
        _move(self.states, _state(old), _state(new))
        _move(self.dues, _due(old), _due(new))


def _move(index: SortedKeys[K], old: K | None, new: K | None) -> None:
    if old == new:
        return
    if old is not None:
        index.remove(old)
    if new is not None:
        index.add(new)


def _group(row: Row | None) -> tuple[str, str] | None:
    return None if row is None else (row.group, row.key)


def _state(row: Row | None) -> tuple[str, str] | None:
    return None if row is None else (row.state, row.key)


def _due(row: Row | None) -> tuple[datetime, str] | None:
    due_at = None if row is None else row.due_at
    return None if row is None or due_at is None else (due_at, row.key)


class Shelf(Generic[R]):
    """
    All records of one kind. It is indexed from the first `find` on, not before.
    """

    def __init__(self) -> None:
        self.rows: dict[str, R] = {}
        self._index: _Index | None = None

    def place(self, key: str, new: R | None) -> None:
        """
        Make *new* the record with that key; ``None`` removes it.
        """
        if self._index is not None:
            self._index.change(key, self.rows.get(key), new)
        if new is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = new

    def find(
        self,
        *,
        group: str | None,
        states: Sequence[str] | None,
        due_before: datetime | None,
        after: str,
        limit: int,
    ) -> tuple[R, ...]:
        """
        Return what `issuing_disburse.ports.Transaction.find` promises.
        """
        if self._index is None:
            self._index = _Index(self.rows.values())
        rows = self.rows
        keys: Iterator[str]
        if due_before is not None:
            dues = self._index.dues.after((_EVER, ""))
            keys = (key for _, key in _until(dues, due_before) if key > after)
        elif group is not None:
            keys = _of(self._index.groups, group, after)
        elif states is not None:
            keys = merge(*(_of(self._index.states, state, after) for state in set(states)))
        else:
            keys = self._index.keys.after(after)
        found = (
            key
            for key in keys
            if (group is None or rows[key].group == group)
            and (states is None or rows[key].state in states)
        )
        chosen = nsmallest(limit, found) if due_before is not None else islice(found, limit)
        return tuple([rows[key] for key in chosen])


_EVER = datetime.min.replace(tzinfo=UTC)


def _until(
    dues: Iterator[tuple[datetime, str]], due_before: datetime
) -> Iterator[tuple[datetime, str]]:
    for due, key in dues:
        if due > due_before:
            return
        yield due, key


def _of(index: SortedKeys[tuple[str, str]], name: str, after: str) -> Iterator[str]:
    for found, key in index.after((name, after)):
        if found != name:
            return
        yield key
