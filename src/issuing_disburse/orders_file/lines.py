"""
Which lines of text does a payout list have, and are they still those that were checked?
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO

from attrs import define, field

from .problems import Problem, of_file, of_row

LINE_BYTES_MAX = 65_536

_BLOCK_LINES = 256
_SEAL_BYTES = 16
_BOM = b"\xef\xbb\xbf"
_AS_UTF8 = "save the file as 'CSV UTF-8'"


class UnreadableError(Exception):
    """
    Nothing sensible can follow behind this line.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@define(kw_only=True)
class Lines:
    """
    Reads the lines of a file, once or twice; the second time it gives out only what it gave the first time.

    Attributes:
        number: Of the line that was given out last, from 1.
        is_decoded: Whether all that was given out since this was last set was UTF-8.
        seals: A hash of each block of lines, from the first reading: 16 bytes for 256 lines.
    """

    file: BinaryIO
    number: int = 0
    is_decoded: bool = True
    seals: list[bytes] = field(factory=list)

    def read(self) -> Iterator[str]:
        """
        Yield every line with its line end, and seal what was read.
        """
        self.number, self.seals = 0, []
        seal = blake2b(digest_size=_SEAL_BYTES)
        for raw in self._raw():
            seal.update(raw)
            if self.number % _BLOCK_LINES == 0:
                self.seals.append(seal.digest())
            yield self._text(raw)
        self.seals.append(seal.digest())

    def read_again(self) -> Iterator[str]:
        """
        Yield the same lines again, or raise before the first block of lines that is not the same.

        Raises:
            UnreadableError: Somebody has changed the file meanwhile.
        """
        self.file.seek(0)
        self.number = 0
        seal, block, seals = blake2b(digest_size=_SEAL_BYTES), list[str](), iter(self.seals)
        for raw in self._raw():
            seal.update(raw)
            block.append(self._text(raw))
            if self.number % _BLOCK_LINES == 0:
                yield from self._checked(block, seal.digest(), seals)
                block = []
        yield from self._checked(block, seal.digest(), seals)

    def _checked(self, block: list[str], digest: bytes, seals: Iterator[bytes]) -> Iterator[str]:
        if next(seals, None) != digest:
            problem = "was changed while it was paid"
            raise UnreadableError(of_file(problem, "leave it alone, and hand it in again"))
        last = self.number
        for number, text in enumerate(block, last - len(block) + 1):
            self.number = number
            yield text
        self.number = last

    def _raw(self) -> Iterator[bytes]:
        while raw := self._line():
            self.number += 1
            if len(raw) > LINE_BYTES_MAX:
                raise self._unreadable("is longer than 64 KiB", "is this a payout list?")
            if self.number == 1:
                if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise self._unreadable("is UTF-16", _AS_UTF8)
                raw = raw.removeprefix(_BOM)
            if b"\0" in raw:
                raise self._unreadable("holds NUL bytes", _AS_UTF8)
            yield raw

    def _line(self) -> bytes:
        try:
            return self.file.readline(LINE_BYTES_MAX + 1)
        except OSError as broken:  # a disk, or what stands in for one far away
            problem = f"cannot be read any further: {broken.strerror}"
            raise UnreadableError(of_file(problem, "copy it, and hand in the copy")) from None

    def _unreadable(self, problem: str, remedy: str) -> UnreadableError:
        return UnreadableError(of_row(self.number, problem, remedy))

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.is_decoded = False
            return raw.decode(errors="replace")


def not_decoded(row: int) -> Problem:
    """
    Blame a row whose letters could be anybody's guess.
    """
    return of_row(row, "is not UTF-8 text", _AS_UTF8)
