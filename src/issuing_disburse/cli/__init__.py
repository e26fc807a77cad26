"""
What can be done from a shell?

``demo`` needs nothing. The other commands speak to Stripe about one account and one store, which come
from options or the environment; keys come from the environment alone, because every user of a
machine can read command lines. Exit codes: 0 clean, 1 differences or problems, 2 could not run.
"""

import sys

_missing = ""
try:
    from issuing_disburse.cli.assembly import make_app
except ModuleNotFoundError as absent:  # `main` says what to install, instead of a traceback
    _missing = absent.name or ""
    if _missing.partition(".")[0] not in {"rich", "typer"}:
        raise

__all__ = ["main", "make_app"]

_COULD_NOT_RUN = 2


def main() -> None:
    """
    Run the command, or say what is missing.
    """
    if _missing:
        sys.stderr.write(
            f"issuing-disburse: {_missing} is not installed; "
            "run: pip install 'issuing-disburse[cli]'\n"
        )
        sys.exit(_COULD_NOT_RUN)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal without Unicode is no reason to fail
    make_app()(prog_name="issuing-disburse")
