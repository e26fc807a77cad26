"""
Who answers for card numbers that leave the library, and in which environment?
"""

from __future__ import annotations

import re

from attrs import frozen

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.hidden import Opener, Sealed

from .secrets import CardSecrets

_WORDS = re.compile(r"[!-~](?:[ -~]{0,98}[!-~])?", re.ASCII)
_NUMBER = re.compile(r"(?:\d[ -]?){12}")


@frozen(kw_only=True)
class PCIScope(Opener):
    """
    An explicit statement: from here on card numbers are handled, and somebody answers for it.

    It is stored with every delivery.

    Attributes:
        owner: The team or system that answers for what it gets (``card-vault``).
        environment: Where that runs, as your assessor calls it (``pci-production``).

    Raises:
        InvalidInputError: Naming the field and the remedy.
    """

    owner: str
    environment: str

    def __attrs_post_init__(self) -> None:
        for name in ("owner", "environment"):
            words = getattr(self, name)
            if (
                not isinstance(words, str)
                or not _WORDS.fullmatch(words)
                or _NUMBER.search(words) is not None
            ):
                raise InvalidInputError(
                    f"scope.{name}",
                    "must be 1 to 100 printable ASCII characters, no space at the ends",
                    f"write who answers for the numbers: PCIScope({name}='…')",
                )

    def opened(self, sealed: Sealed) -> CardSecrets:
        """
        Return what a sink gets of *sealed*.
        """
        return CardSecrets(sealed)
