"""
Does the password of a database show when a store cannot be opened?
"""

import traceback
from typing import Any

import pytest
from sqlalchemy import make_url

from issuing_disburse import Disburser
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.stores import open_store, upgrade_store
from issuing_disburse.stores.sql import SQLStore

PASSWORD = "pw-of-the-books"  # nobody's
URLS = [
    f"postgresql://payer:{PASSWORD}@127.0.0.1:1/books",
    f"mysql://payer:{PASSWORD}@127.0.0.1/books",
    f"postgresql+pg8000://payer:{PASSWORD}@127.0.0.1/books",
    f"payer:{PASSWORD}@127.0.0.1",
]


def shown(error: BaseException | None, seen: list[BaseException]) -> str:
    """
    Return all that a report shows of *error* and what it came from; of frames, those below the test.
    """
    if error is None or any(error is one for one in seen):
        return ""
    seen.append(error)
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), capture_locals=True
    )
    below = [one.locals for one in frames if one.filename != __file__]
    attributes = [repr(getattr(error, name, None)) for name in dir(error)]
    others = (error.__cause__, error.__context__, getattr(error, "orig", None))
    connection = getattr(error, "pgconn", None)
    return (
        f"{error} {below!r} {attributes!r} {connection!r}"
        f"{''.join(shown(one, seen) for one in others)}"
    )


def connect(url: Any) -> object:
    """
    Open a store as most callers do.
    """
    return Disburser.connect(
        api_key="sk_test_x", account="acct_1", webhook_secret="whsec_x", store=url
    )


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "way", [connect, upgrade_store, SQLStore, lambda url: open_store(url, clock=lambda: None)]
)
def test_a_store_that_cannot_be_opened_shows_no_password(way: Any, url: str) -> None:
    """Neither in the error nor in any variable of ours, of SQLAlchemy's or of the driver's."""
    options = {"clock": lambda: None} if way is SQLStore else {}
    with pytest.raises(DisburseError) as caught:
        way(url, **options)

    report = shown(caught.value, [])
    assert "stores/" in report or "store" in report
    assert PASSWORD not in report


def test_an_url_object_shows_no_password_either() -> None:
    """An URL of SQLAlchemy's is a tuple, which reporters walk through."""
    with pytest.raises(DisburseError) as caught:
        SQLStore(make_url(URLS[0]), clock=lambda: None)  # type: ignore[arg-type,return-value]  # never asked

    assert PASSWORD not in shown(caught.value, [])
