"""
In which order does the site list its pages?

The table is put into the index when the site is built: where the repository is shown, the index is a page of links, and
a directive would stand there as text. A page that nobody has placed comes behind the others of its folder.
"""

from fnmatch import fnmatch

from sphinx.application import Sphinx

# Caption, and pages; a star stands for whatever is not named before it.
CONTENTS = (
    ("Start", ["howto/before-you-build", "tutorial", "from-the-old-howto"]),
    (
        "Set up",
        [
            "howto/go-live-checklist",
            "howto/least-permissions",
            "howto/webhook-endpoint",
            "howto/choose-and-run-a-store",
            "howto/fund-in-europe",
            "howto/write-a-funding-route",
            "howto/write-a-store",
        ],
    ),
    (
        "Decide and show",
        ["howto/write-a-policy", "howto/backtest", "howto/show-a-card", "howto/write-a-sink"],
    ),
    (
        "Test",
        [
            "howto/test-your-integration",
            "howto/scenarios",
            "howto/drive-the-simulator",
            "howto/record-cassettes",
        ],
    ),
    (
        "Run",
        [
            "howto/pay-*",
            "howto/run-payouts-nightly",
            "howto/recover-after-an-outage",
            "howto/reconcile-at-months-end",
            "howto/*",
        ],
    ),
    (
        "Understand",
        [
            "explanation/crashes",
            "explanation/authorization",
            "explanation/money",
            "explanation/scaling",
            "explanation/secrets",
            "explanation/simulator",
            "explanation/*",
            "glossary",
        ],
    ),
    (
        "Look up",
        [
            "reference",
            "api/disburser",
            "api/orders",
            "api/results",
            "api/deciding",
            "api/funding",
            "api/errors",
            "api/*",
        ],
    ),
    ("The project", ["changelog", "security", "contributing"]),
)


def arranged(known: set[str]) -> list[tuple[str, list[str]]]:
    """
    Put the *known* pages in their order: each one once, where it is named, or where a star takes it.
    """
    named = {page for _, pages in CONTENTS for page in pages}
    left = sorted(known - named)
    sections = []
    for caption, pages in CONTENTS:
        placed = []
        for page in pages:
            found = [page] if page in known else [one for one in left if fnmatch(one, page)]
            left = [one for one in left if one not in found]
            placed += found
        sections.append((caption, placed))
    return sections


def _toctrees(known: set[str]) -> str:
    return "".join(
        f"\n```{{toctree}}\n:caption: {caption}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"
        for caption, pages in arranged(known)
        if pages
    )


def _add_contents(app: Sphinx, docname: str, content: list[str]) -> None:
    if docname == "index":
        content[0] += _toctrees(app.env.found_docs)


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Have the table put into the index.
    """
    app.connect("source-read", _add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
