"""
Which API versions are there?
"""

import re
from datetime import date
from functools import lru_cache

API_VERSION = "2026-10-28.endive"
"""
The version whose shapes the simulator has.
"""

LAST_WITHOUT_NAME = "2024-06-20"
FIRST_PREVIEW = "2024-09-30"
RELEASES = {
    "acacia": ("2024-09-30", "2025-02-24"),
    "basil": ("2025-03-31", "2025-08-27"),
    "clover": ("2025-09-30", "2026-02-25"),
    "dahlia": ("2026-03-25", "2026-09-30"),
    "endive": ("2026-10-28", "2026-10-28"),
}
"""
The first and the last date of each named release; within one, Stripe adds a version a month.
"""

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.([a-z]+))?(?:;.*)?\Z", re.ASCII)


@lru_cache(maxsize=256)  # a caller sends the same one with each request
def is_version(text: str, newest_preview: str) -> bool:
    """
    Say whether *text* names a version that Stripe has published.

    Dates without a name end with 2024-06-20; a named one must lie in its release, a preview not
    after *newest_preview*. Beta headers behind a semicolon are not judged.
    """
    found = _FORM.match(text)
    if found is None:
        return False
    day, name = found.groups()
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    if name is None:
        first, last = "2011-01-01", LAST_WITHOUT_NAME
    elif name == "preview":
        first, last = FIRST_PREVIEW, newest_preview
    else:
        first, last = RELEASES.get(name, ("", ""))
    return first <= day <= last
