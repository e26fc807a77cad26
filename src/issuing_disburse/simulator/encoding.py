"""
How does an object become JSON bytes that are worth keeping?
"""

import orjson


def to_json(tree: object) -> bytes:
    """
    Return *tree* as JSON in a buffer of its own size.

    The encoder hands out a buffer of several kilobytes however short the text; a copy is cheap,
    and a hundred thousand of those buffers are not.
    """
    return bytes(memoryview(orjson.dumps(tree)))
