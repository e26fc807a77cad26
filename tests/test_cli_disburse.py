"""
Does the command pay a list once, say exactly what became of it, and pay nothing of a list that is wrong?
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import stripe

from issuing_disburse.cli.progress import PLAIN_EVERY, paying
from issuing_disburse.cli.run import UNPAID_SHOWN, Tally
from issuing_disburse.cli.stopping import stopping
from issuing_disburse.orders_file import Totals
from issuing_disburse.outcome import Outcome
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse
from payout_lists import COMPANY, csv_of, json_of, written
from shells import Shell, shell

__all__ = ["shell"]


def payees(count: int, **changes: str) -> list[dict[str, str]]:
    return [{**COMPANY, "id": f"p-{n}", "reference": f"payee-{n}", **changes} for n in range(count)]


def cards(shell: Shell) -> int:
    return len(shell.simulator.objects("card", shell.account))


@pytest.mark.parametrize("name", ["payouts.csv", "payouts.jsonl"])
def test_every_order_has_its_card_when_a_list_is_paid(
    shell: Shell, tmp_path: Path, name: str
) -> None:
    """Both kinds of list are paid; paying again pays nobody twice and says the same."""
    rows = payees(12)
    content = csv_of(*rows) if name.endswith("csv") else json_of(*rows)
    path = written(tmp_path, content).rename(tmp_path / name)

    document, again = (shell.json("disburse", str(path)) for _ in range(2))

    assert 12 == cards(shell)
    assert (12, 12, 0, 0, 0) == tuple(
        document[one] for one in ("orders", "paid", "pending", "refused", "not_begun")
    )
    assert [{"minor": 12 * 8_010, "currency": "usd"}] == document["paid_amounts"]
    assert [{"minor": 12 * 8_010, "currency": "usd"}] == document["amounts"]
    assert (False, None, []) == (document["is_stopped"], document["go_on"], document["resumed"])
    assert {f"p-{n}" for n in range(12)} == {one["order_id"] for one in document["outcomes"]}
    assert all(one["is_paid"] and one["last4"] for one in document["outcomes"])
    last4 = [{one["order_id"]: one["last4"] for one in d["outcomes"]} for d in (document, again)]
    assert last4[0] == last4[1]


def test_a_list_is_paid_in_words_when_no_document_is_asked_for(
    shell: Shell, tmp_path: Path
) -> None:
    """Counts and amounts are told; nothing needs doing."""
    result = shell.run("disburse", str(written(tmp_path, csv_of(*payees(3)))))

    assert (0, "") == (result.exit_code, result.stderr)
    assert "3 orders: 3 paid, 0 pending, 0 refused, 0 not begun" in result.stdout
    assert "paid: 240.30 usd" in result.stdout
    assert "go on" not in result.stdout


def test_nothing_is_sent_when_the_run_is_dry(shell: Shell, tmp_path: Path) -> None:
    """Totals are told for each currency; neither key nor account nor store is needed."""
    rows = payees(3)
    rows[1] |= {"currency": "eur", "phone_number": "+16145550100"}
    path = str(written(tmp_path, csv_of(*rows)))
    nothing = dict.fromkeys(shell.environment)

    result = shell.run("disburse", path, "--dry-run", **nothing)
    document = json.loads(shell.run("disburse", path, "--dry-run", "--json", **nothing).stdout)

    assert (0, 0) == (result.exit_code, cards(shell))
    assert [
        "payouts.csv: 3 orders, no problems; nothing was sent",
        "  80.10 eur",
        "  160.20 usd",
    ] == (result.stdout.rstrip().splitlines())
    assert {
        "file": "payouts.csv",
        "orders": 3,
        "amounts": [{"minor": 8_010, "currency": "eur"}, {"minor": 16_020, "currency": "usd"}],
        "problems": [],
    } == document


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_nothing_is_paid_when_a_row_is_wrong(
    shell: Shell, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    """Each problem is told with row, field and remedy, the last row's as well; exit code 2."""
    rows = payees(5)
    rows[0]["first_name"] = "=HYPERLINK(1)"
    rows[4] |= {"amount": "80.1x", "id": "p-1"}
    path = str(written(tmp_path, csv_of(*rows)))

    plain = shell.run("disburse", path, *extra)
    document = json.loads(shell.run("disburse", path, *extra, "--json").stdout)["error"]

    assert (2, "", 0) == (plain.exit_code, plain.stdout, cards(shell))
    assert ["payouts.csv: nothing was paid", *document["details"]] == plain.stderr.splitlines()
    assert [(2, "first_name"), (6, "id"), (6, "amount")] == [
        (one["row"], one["field"]) for one in document["problems"]
    ]
    assert all(one["problem"] and one["remedy"] for one in document["problems"])


def test_the_others_are_paid_when_stripe_refuses_one(shell: Shell, tmp_path: Path) -> None:
    """One bad order stops nobody; it is named with its reason, and the exit code is 1."""
    shell.simulator.faults.add(Fault(endpoint="POST /v1/issuing/cardholders", action=Refuse()))
    path = str(written(tmp_path, csv_of(*payees(4))))

    result = shell.run("disburse", path)

    assert (1, 3) == (result.exit_code, cards(shell))
    assert "4 orders: 3 paid, 0 pending, 1 refused, 0 not begun" in result.stdout
    assert "1 orders without a card" in result.stdout
    assert "Refused by a scripted fault." in result.stdout
    assert f"go on: issuing-disburse resume --orders {path}" in result.stdout.splitlines()

    document = shell.json("resume", "--orders", path)

    assert (4, 4) == (document["paid"], cards(shell))


class Acting(stripe.HTTPClient):
    """
    A client at one of whose requests somebody does something, such as pressing Ctrl-C.
    """

    name = "acting"

    def __init__(
        self, inner: stripe.HTTPClient, act: Callable[[], object], path: str = "", nth: int = 1
    ) -> None:
        super().__init__()
        self.inner, self.act, self.path, self.left = inner, act, path, nth

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        answer = self.inner.request(method, url, headers, post_data, **options)
        if url.endswith(self.path):
            self.left -= 1
            if self.left == 0:
                self.act()
        return answer

    def close(self) -> None:
        return


def at_card(shell: Shell, nth: int, number: signal.Signals) -> Acting:
    inner = shell.simulator.http_client()
    return Acting(inner, lambda: os.kill(os.getpid(), number), "/v1/issuing/cards", nth)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_run_says_what_is_done_and_is_gone_on_with_when_it_is_stopped(
    shell: Shell, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The document is whole, nothing new is begun, and the command that it names pays the rest once."""
    path = str(written(tmp_path, csv_of(*payees(150, amount="10.10"))))
    before = signal.getsignal(number)
    shell.client = at_card(shell, 5, number)

    stopped = shell.json("disburse", path, code=code)

    assert before is signal.getsignal(number)
    assert stopped["is_stopped"]
    assert 150 == sum(stopped[one] for one in ("paid", "pending", "refused", "not_begun"))
    assert 0 == stopped["refused"]
    assert stopped["paid"] <= cards(shell) < 150
    assert f"issuing-disburse resume --orders {path}" == stopped["go_on"]

    document = shell.json("resume", "--orders", path)

    assert (150, 150, False) == (document["paid"], cards(shell), document["is_stopped"])
    assert [] == document["resumed"]
    with shell.disburser() as books:
        assert () == books.reconcile().discrepancies


def test_orders_of_other_lists_are_finished_when_a_list_is_gone_on_with(
    shell: Shell, tmp_path: Path
) -> None:
    """Resuming leaves nothing pending behind, whichever list it came from."""
    other = str(written(tmp_path, csv_of(*payees(1, id="q-1"))))
    lost = Fault(endpoint="POST /v1/transfers", action=LoseConnection(after_commit=False), times=0)
    shell.simulator.faults.add(lost)
    assert 1 == shell.json("disburse", other, code=1)["pending"]
    shell.simulator.faults.clear()

    document = shell.json("resume", "--orders", str(written(tmp_path, csv_of(*payees(2)))))

    assert (2, ["q-1"]) == (document["paid"], [one["order_id"] for one in document["resumed"]])
    assert 3 == cards(shell)
    assert "1 other pending orders" not in shell.run("resume", "--orders", other).stdout


def test_a_stopped_run_is_told_in_words_when_no_document_is_asked_for(
    shell: Shell, tmp_path: Path
) -> None:
    """A person reads that nothing is lost, and the next command."""
    path = str(written(tmp_path, csv_of(*payees(200))))
    shell.client = at_card(shell, 3, signal.SIGINT)

    result = shell.run("disburse", path)

    assert 130 == result.exit_code
    assert "stopped; what was begun is kept, and nobody is paid twice" in result.stdout
    assert f"go on: issuing-disburse resume --orders {path}" in result.stdout.splitlines()


def test_nothing_is_paid_when_somebody_changes_the_list_after_its_check(
    shell: Shell, tmp_path: Path
) -> None:
    """Other amounts than those that were checked are not paid; why is told, with exit code 2."""
    path = written(tmp_path, csv_of(*payees(10)))
    other = csv_of(*payees(10, amount="9000.00"))
    shell.client = Acting(shell.simulator.http_client(), lambda: written(tmp_path, other))

    result = shell.run("disburse", str(path))
    written(tmp_path, csv_of(*payees(10)))
    shell.client = Acting(shell.simulator.http_client(), lambda: written(tmp_path, other))
    document = shell.json("disburse", str(path), code=2)

    assert ["file: was changed while it was paid; leave it alone, and hand it in again"] == (
        document["problems"]
    )
    assert (2, 0) == (result.exit_code, cards(shell))
    assert "10 orders: 0 paid, 0 pending, 0 refused, 10 not begun" in result.stdout
    assert "was changed while it was paid" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("disburse", "nothing.csv"), "cannot be read"),
        (("disburse",), "FILE"),
        (("resume", "p-1", "--orders", "nothing.csv"), "give either ORDER_ID or --orders"),
        (("resume", "--orders", "nothing.csv"), "cannot be read"),
    ],
)
def test_a_command_says_what_it_lacks_when_it_cannot_run(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    """Exit code 2 and a sentence."""
    result = shell.run(*arguments)

    assert 2 == result.exit_code
    assert words in re.sub(r"\x1b\[[\d;]*m", "", result.stderr)


def test_a_signal_waits_for_what_is_being_told_when_it_comes_in_between() -> None:
    """Only a run that waits is interrupted at once."""
    with stopping() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert 130 == stop.exit_code
    with stopping() as stop:
        stop.is_waiting = True
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert 143 == stop.exit_code


TWICE = """
import os, signal
from issuing_disburse.cli.stopping import stopping
with stopping():
    os.kill(os.getpid(), signal.SIGINT)
    print("stops", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    print("still there", flush=True)
"""


def test_a_second_signal_ends_the_process_at_once() -> None:
    """Whoever presses twice does not want to wait; the exit code is the first signal's."""
    done = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", TWICE], capture_output=True, text=True, check=False
    )

    assert (130, "stops\n") == (done.returncode, done.stdout)
    assert "ended at once" in done.stderr


@pytest.mark.parametrize("key", ["sk_test_ofSomebodyElse", ""])
def test_there_is_one_document_when_nothing_can_be_begun(
    shell: Shell, tmp_path: Path, key: str
) -> None:
    """A key that Stripe does not know, or none, is one error for a program to read, exit code 2."""
    path = str(written(tmp_path, csv_of(*payees(2))))

    result = shell.run("disburse", path, "--json", STRIPE_API_KEY=key)

    assert 2 == result.exit_code
    assert {"code", "message", "details"} == json.loads(result.stdout)["error"].keys()
    assert 0 == cards(shell)


def test_a_log_gets_a_line_now_and_then_when_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A run of hours can be followed; a document has no company."""
    for is_plain in (True, False):
        tally = Tally(totals=Totals(orders=2 * PLAIN_EVERY, amounts=()))
        with paying(tally.totals.orders, is_plain=is_plain) as tell:
            for position in range(PLAIN_EVERY):
                tally.add(Outcome(position=position, error=ValueError("none")))
                tell(tally)

        told = capsys.readouterr().err.splitlines()
        assert (["1,000 of 2,000 orders, 1,000 not paid"] if is_plain else []) == told
        assert UNPAID_SHOWN == len(tally.unpaid)
