"""
Is a list of any size checked whole, and given out exactly as it was checked?
"""

import errno
import io
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from issuing_disburse import Money, Order
from issuing_disburse.orders_file import (
    NEEDED,
    OrdersFileError,
    open_orders,
    read_orders,
    stream_orders,
)
from issuing_disburse.orders_file.known_ids import KnownIds
from payout_lists import COMPANY, PERSON, TODAY, csv_of, problems_of, written


def test_nothing_is_yielded_when_the_last_row_is_wrong(tmp_path: Path) -> None:
    """Streaming checks the whole list before its first order."""
    path = written(tmp_path, csv_of(PERSON, COMPANY, {**PERSON, "id": "p-3", "amount": "x"}))
    paid: list[Order] = []

    with pytest.raises(OrdersFileError):
        paid.extend(stream_orders(path, today=TODAY))

    assert [] == paid


def test_streaming_yields_what_reading_returns_when_the_list_is_sound(tmp_path: Path) -> None:
    """The two doors lead to the same orders; the clock of the machine serves without a date."""
    path = written(tmp_path, csv_of(PERSON, COMPANY))

    assert read_orders(path) == tuple(stream_orders(path))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("125.00", "925.00"),
        lambda text: text[: len(text) * 2 // 3],
        lambda text: text + csv_of({**PERSON, "id": "p-one-more"}).partition("\n")[2],
    ],
    ids=["other amounts", "cut off", "one more"],
)
def test_nothing_that_was_not_checked_is_yielded_when_the_list_changes_meanwhile(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    """Even a change that is sound by itself stops the run; every order before it is one that was checked."""
    text = csv_of(*[{**PERSON, "id": f"p-{n}"} for n in range(1_000)])
    orders = stream_orders(written(tmp_path, text), today=TODAY)
    yielded = [next(orders)]
    written(tmp_path, change(text))

    with pytest.raises(OrdersFileError) as caught:
        yielded.extend(orders)

    assert ["was changed while it was paid"] == [one.problem for one in caught.value.problems]
    assert {Money(12_500, "usd")} == {one.amount for one in yielded}
    assert [f"p-{n}" for n in range(len(yielded))] == [one.id for one in yielded]


@pytest.mark.parametrize("when", ["checked", "paid"])
def test_a_list_is_told_to_be_unreadable_when_its_disk_breaks(tmp_path: Path, when: str) -> None:
    """A line that cannot be read is a problem of the list, whether it is being checked or paid."""

    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with open_orders(written(tmp_path, csv_of(PERSON)), today=TODAY) as listed:
        if when == "paid":
            listed.check()
        listed.lines.file = Broken()
        with pytest.raises(OrdersFileError, match="cannot be read any further: Input/output"):
            list(listed.orders())


def test_a_last_line_without_a_line_end_is_taken_when_it_cannot_go_on(tmp_path: Path) -> None:
    """A currency or a closed quote is whole; an amount could have lost its last digits."""
    columns = (*NEEDED, "company_name")
    quoted = csv_of(COMPANY, columns=columns).rstrip().replace("Signs", 'Signs"')
    for text in (
        csv_of(COMPANY, columns=("company_name", *NEEDED)).rstrip(),
        quoted.replace("Blue", '"Blue'),
    ):
        assert ["payout-2"] == [one.id for one in read_orders(written(tmp_path, text))]

    cut = csv_of(COMPANY, columns=(*reversed(columns),)).rstrip()

    assert [(2, "", "ends without a line end and may be cut off")] == problems_of(
        written(tmp_path, cut)
    )


def test_a_check_tells_what_a_list_comes_to_when_it_is_sound(tmp_path: Path) -> None:
    """Orders are counted, amounts summed by currency, and progress told every thousand rows."""
    rows = [{**COMPANY, "id": f"p-{n}"} for n in range(2_500)]
    rows[7] = {**rows[7], "currency": "eur", "phone_number": "+16145550100"}
    told: list[int] = []

    with open_orders(written(tmp_path, csv_of(*rows)), today=TODAY) as orders_list:
        totals = orders_list.check(told.append)

    assert (2_500, (Money(8_010, "eur"), Money(8_010 * 2_499, "usd"))) == (
        totals.orders,
        totals.amounts,
    )
    assert [1_000, 2_000] == told


def test_a_list_is_checked_first_when_its_orders_are_taken_at_once(tmp_path: Path) -> None:
    """Nobody can leave out the check."""
    path = written(tmp_path, csv_of(PERSON, {**COMPANY, "amount": "x"}))
    with open_orders(path, today=TODAY) as orders_list, pytest.raises(OrdersFileError):
        next(orders_list.orders())


def test_a_list_that_cannot_be_read_twice_is_named_when_it_is_opened(tmp_path: Path) -> None:
    """A pipe, a folder and a missing file are problems with a remedy, before anything is paid."""
    reading, writing = os.pipe()
    os.close(writing)
    for path, problem in (
        (Path(f"/dev/fd/{reading}"), "is no file that can be read twice"),
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "nothing.csv", "cannot be read: No such file or directory"),
    ):
        with pytest.raises(OrdersFileError) as caught, open_orders(path):
            pass

        assert [problem] == [one.problem for one in caught.value.problems]
    os.close(reading)


def test_an_id_is_found_again_when_its_rows_are_far_apart(tmp_path: Path) -> None:
    """Five thousand rows between the two make no difference."""
    rows = [{**COMPANY, "id": f"p-{n}"} for n in range(5_000)]

    path = written(tmp_path, csv_of(*rows, {**COMPANY, "id": "p-0"}))

    assert [(5_002, "id", "was used in row 2")] == problems_of(path)


def test_memory_stays_flat_when_a_list_grows(tmp_path: Path) -> None:
    """Ten times as many rows take no more memory, ids included: checking and giving out, both."""
    peaks = []
    for count in (150, 1_500):
        rows = ({**COMPANY, "id": f"{'p' * 180}-{n}"} for n in range(count))
        path = written(tmp_path, csv_of(*rows))
        tracemalloc.start()
        assert count == sum(1 for _ in stream_orders(path, today=TODAY))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0] + 100_000


def test_a_full_disk_is_a_problem_and_no_traceback_when_ids_are_kept(tmp_path: Path) -> None:
    """Where no temporary file can grow, the list is refused with a remedy."""
    path = written(tmp_path, csv_of(*[{**COMPANY, "id": f"{'p' * 180}-{n}"} for n in range(200)]))

    with open_orders(path, today=TODAY) as opened:
        full = evolve(opened, known_ids=lambda: KnownIds(pages_max=3))
        with pytest.raises(OrdersFileError) as caught:
            full.check()

    assert ["make room in the folder for temporary files (TMPDIR)"] == [
        one.remedy for one in caught.value.problems
    ]
