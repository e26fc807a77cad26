"""
What is said to somebody who uses a part of the library whose extra is not installed?
"""

from __future__ import annotations

TYPE_CHECKING = False  # what `typing` has, without loading it

if TYPE_CHECKING:
    from types import TracebackType


class NeedsExtra:
    """
    A block that imports *packages*, which come with the extra *name*.

    Raises:
        ModuleNotFoundError: One of them is missing; the message has the command that installs it.
    """

    def __init__(self, name: str, *packages: str) -> None:
        self.name = name
        self.packages = packages

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, ModuleNotFoundError) or error.name is None:
            return
        if error.name.partition(".")[0] in self.packages:
            raise ModuleNotFoundError(
                f"{error.name} is not installed; run: pip install 'issuing-disburse[{self.name}]'",
                name=error.name,
            ) from error
