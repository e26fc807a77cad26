"""
Which labels may callers put on an object, and how do they merge?
"""

from attrs import frozen

from issuing_disburse.simulator.errors import (
    ApiError,
)
from issuing_disburse.simulator.form import Tree

MAX_METADATA_KEYS = 50


MAX_METADATA_KEY = 40


MAX_METADATA_VALUE = 500


@frozen
class Metadata:
    """
    The caller's own labels: limits as documented, an empty value removes a key.
    """

    required: bool = False

    def read(self, value: Tree, name: str) -> dict[str, str] | None:
        if value == "":
            return None
        if type(value) is not dict:
            raise ApiError("Invalid hash", param=name)
        for key, item in value.items():
            path = f"{name}[{key[:60]}]"
            if type(item) is not str:
                raise ApiError("Metadata values must be strings.", param=path)
            if len(key) > MAX_METADATA_KEY:
                raise ApiError(
                    f"Metadata keys must be at most {MAX_METADATA_KEY} characters.", param=path
                )
            if len(item) > MAX_METADATA_VALUE:
                raise ApiError(
                    f"Metadata values must be at most {MAX_METADATA_VALUE} characters.", param=path
                )
        if len(value) > MAX_METADATA_KEYS:
            raise ApiError(
                f"You can have at most {MAX_METADATA_KEYS} metadata keys on one object.", param=name
            )
        return dict(value)


def merge_metadata(old: dict[str, str], new: dict[str, str] | None) -> dict[str, str]:
    """
    Return *old* with *new* merged in per key; ``None`` removes everything.

    Raises:
        ApiError: The result would have more keys than an object may carry.
    """
    if new is None:
        return {}
    merged = {key: value for key, value in (old | new).items() if value}
    if len(merged) > MAX_METADATA_KEYS:
        raise ApiError(
            f"You can have at most {MAX_METADATA_KEYS} metadata keys on one object.",
            param="metadata",
        )
    return merged
