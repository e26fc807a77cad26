"""
Does the command do from a shell what the library does, and say so in figures and exit codes?
"""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner, Result

import issuing_disburse
from issuing_disburse import (
    InsufficientIssuingBalanceError,
    Terms,
    UnknownOutcomeError,
    cli,
)
from issuing_disburse.cli import make_app
from issuing_disburse.simulator.faults import Fault, LoseConnection
from shells import COLOURED, Shell, shell
from world import make_order, make_recipient

PAYOUTS = Path(__file__).parents[1] / "examples" / "payouts.csv"
SHORT = Terms(valid_for=timedelta(days=1))

__all__ = ["shell"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(make_app(), list(arguments), env=COLOURED)


def uncoloured(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_the_version_is_told_when_asked_for() -> None:
    """A bug report can say which version it is about."""
    result = run("--version")

    assert (0, f"issuing-disburse {version('issuing-disburse')}\n") == (
        result.exit_code,
        result.stdout,
    )


def test_the_demo_fits_a_terminal_when_it_is_80_wide() -> None:
    """No heading and no reason runs over the edge or is broken in its middle of a word."""
    lines = run("demo").stdout.splitlines()

    assert 80 >= max(map(len, lines))
    assert "4. Closing statement (usd)" in lines
    assert "(usd)" not in lines


def test_the_demo_is_told_when_nothing_is_asked_for() -> None:
    """Chapters, statement and reconciliation are there; exit code 0."""
    result = run("demo")

    assert 0 == result.exit_code
    for words in ("1. Funded", "wrong_amount", "3. It is", "4. Closing", "0 differences"):
        assert words in result.stdout
    assert "The books balance, to the cent." in result.stdout
    assert "\x1b" not in result.stdout


def test_the_demo_prints_one_document_when_json_is_asked_for() -> None:
    """The same facts as on the screen, and nothing else; same seed, same bytes."""
    first, again = (run("demo", "--json", "--orders", "3", "--seed", "11") for _ in range(2))

    document = json.loads(first.stdout)
    assert 0 == first.exit_code
    assert first.stdout == again.stdout
    assert (11, 3, True) == (
        document["seed"],
        len(document["statements"]),
        document["is_balanced"],
    )
    assert 0 == document["unexplained"]["minor"] == len(document["reconciliation"]["differences"])
    told = run("demo", "--orders", "3", "--seed", "11").stdout
    assert f"{document['reconciliation']['matched']} objects match, 0 differences" in told
    for statement in document["statements"]:
        assert f"{statement['funded']['minor'] / 100:.2f}" in told
        assert f"*{statement['last4']}" in told


def test_the_demo_pays_a_list_when_it_is_given_one() -> None:
    """The sample list is paid, row by row."""
    document = json.loads(run("demo", "--json", "--orders-file", str(PAYOUTS)).stdout)

    assert [f"payout-{n:03d}" for n in range(1, 26)] == [
        one["order_id"] for one in document["statements"]
    ]
    assert document["is_balanced"]


def test_the_demo_pays_nobody_when_the_list_has_problems(tmp_path: Path) -> None:
    """Each problem is told with row, column and remedy; exit code 2."""
    broken = tmp_path / "broken.csv"
    broken.write_text(PAYOUTS.read_text().replace(",usd,", ",dollar,", 2))

    plain, document = (
        run("demo", "--orders-file", str(broken)),
        run("demo", "--json", "--orders-file", str(broken)),
    )

    assert 2 == plain.exit_code == document.exit_code
    assert "" == plain.stdout == document.stderr
    assert "broken.csv: nothing was paid" == plain.stderr.splitlines()[0]
    assert plain.stderr.splitlines()[1].startswith("row 2, currency: 'dollar' is no currency")
    assert plain.stderr.splitlines()[1:] == json.loads(document.stdout)["error"]["details"]


def test_the_demo_exits_with_1_when_an_order_was_refused(tmp_path: Path) -> None:
    """What only Stripe finds wrong fails one order; the others are paid and the books balance."""
    rows = PAYOUTS.read_text().splitlines(keepends=True)[:3]
    assert "payout-001" in rows[1]
    listed = tmp_path / "listed.csv"
    listed.write_text(rows[0] + re.sub(r"2026-\d\d-\d\dT", "1969-01-01T", rows[1]) + rows[2])

    result = run("demo", "--orders-file", str(listed), "--json")

    document = json.loads(result.stdout)
    assert 1 == result.exit_code
    assert ["payout-001"] == [one["order_id"] for one in document["refused"]]
    assert ["failed", "closed"] == [one["status"] for one in document["statements"]]
    assert document["is_balanced"]


@pytest.mark.parametrize("orders", ["0", "501", "many"])
def test_the_demo_does_not_start_when_the_count_is_wrong(orders: str) -> None:
    """A wrong option is exit code 2, with the range."""
    result = run("demo", "--orders", orders)

    assert 2 == result.exit_code
    assert "--orders" in uncoloured(result.stderr)


def test_the_demo_runs_when_started_like_any_program(tmp_path: Path) -> None:
    """A real process, no terminal, no Unicode, 40 columns: everything is there, exit code 0."""
    environment = {name: value for name, value in os.environ.items() if name not in COLOURED}
    environment |= {"COLUMNS": "40", "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(
        [sys.executable, "-m", "issuing_disburse.cli", "demo", "--orders", "2"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "The books balance, to the cent." in done.stdout
    assert 40 >= max(map(len, done.stdout.splitlines()))
    assert [] == list(tmp_path.iterdir())


def test_the_program_ends_with_the_exit_code_when_it_is_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The entry point reads the command line and leaves like any program."""
    monkeypatch.setattr(sys, "argv", ["issuing-disburse", "demo", "--orders", "1", "--json"])

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert 0 == left.value.code
    assert json.loads(capsys.readouterr().out)["is_balanced"]


@pytest.fixture
def loaded_anew(monkeypatch: pytest.MonkeyPatch) -> Callable[[], ModuleType]:
    """
    Load the command once more, and leave the one that is there in its place afterwards.
    """

    def load() -> ModuleType:
        monkeypatch.setattr(issuing_disburse, "cli", cli)
        for name in [name for name in sys.modules if name.startswith(cli.__name__)]:
            monkeypatch.delitem(sys.modules, name)
        return importlib.import_module(cli.__name__)

    return load


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_the_command_says_what_to_install_when_the_extra_is_missing(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    loaded_anew: Callable[[], ModuleType],
) -> None:
    """The module can be imported all the same; running it explains, with exit code 2."""
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "issuing_disburse.demo_screen", raising=False)
    module = loaded_anew()

    with pytest.raises(SystemExit) as left:
        module.main()

    told = f"issuing-disburse: {name} is not installed; run: pip install 'issuing-disburse[cli]'\n"
    assert 2 == left.value.code
    assert told == capsys.readouterr().err


def test_another_missing_module_is_no_missing_extra(
    monkeypatch: pytest.MonkeyPatch, loaded_anew: Callable[[], ModuleType]
) -> None:
    """A broken installation is not explained away."""
    monkeypatch.setitem(sys.modules, "issuing_disburse.demo_screen", None)

    with pytest.raises(ModuleNotFoundError, match="demo_screen"):
        loaded_anew()


def test_status_shows_card_and_money_when_an_order_is_known(shell: Shell) -> None:
    """Screen and document agree, to the cent, and end in the card's four digits."""
    with shell.disburser() as disburser:
        card = disburser.disburse(make_order()).card
        shell.simulator.capture(shell.simulator.authorize(card.id, 12_500)["id"])

    document, told = shell.json("status", "claim-8841"), shell.run("status", "claim-8841")

    assert ("spent", card.last4) == (document["status"], document["last4"])
    assert 12_500 == document["statement"]["spent"]["minor"]
    assert 0 == document["statement"]["remaining"]["minor"]
    assert 0 == told.exit_code
    assert f"*{card.last4}" in told.stdout
    assert "125.00 usd" in told.stdout


def test_status_lists_all_orders_when_none_is_named(shell: Shell) -> None:
    """By state with sums and ages, the urgent ones first, as long a list as asked for."""
    with shell.disburser() as disburser:
        cards = [disburser.disburse(make_order(f"claim-{number}")).card for number in (1, 2, 3)]
        shell.simulator.capture(shell.simulator.authorize(cards[0].id, 12_500)["id"])
        shell.simulator.clock.advance(timedelta(days=2))
        disburser.disburse(make_order("claim-4"))

    document, told = shell.json("status"), shell.run("status", "--limit", "2")

    assert [("active", 3, 37_500, 2 * 86_400), ("spent", 1, 12_500, 2 * 86_400)] == [
        (one["status"], one["orders"], one["amount"]["minor"], one["oldest_age_seconds"])
        for one in document["states"]
    ]
    assert 4 == document["orders_found"]
    listed = [(one["order_id"], one["statement"]["spent"]["minor"]) for one in document["orders"]]
    assert [("claim-2", 0), ("claim-3", 0), ("claim-4", 0), ("claim-1", 12_500)] == listed
    assert 0 == told.exit_code
    assert "2 of 4 orders" in told.stdout
    assert "claim-3" in told.stdout
    assert "claim-4" not in told.stdout


def test_status_lists_the_states_that_are_asked_for(shell: Shell) -> None:
    """The sums stay whole, the list holds those states only; a state that is none is refused."""
    with shell.disburser() as disburser:
        card = disburser.disburse(make_order("claim-1")).card
        shell.simulator.capture(shell.simulator.authorize(card.id, 12_500)["id"])
        disburser.disburse(make_order("claim-2"))

    document = shell.json("status", "--state", "spent", "--state", "closed")

    assert ["claim-1"] == [one["order_id"] for one in document["orders"]]
    assert {"active", "spent"} == {one["status"] for one in document["states"]}
    assert 2 == shell.run("status", "--state", "lost").exit_code
    assert 2 == shell.run("status", "claim-1", "--state", "spent").exit_code
    assert 2 == shell.run("status", "--limit", "0").exit_code


def test_status_says_so_when_there_is_no_order(shell: Shell) -> None:
    """An empty store is a list of nothing, not an error."""
    document, told = shell.json("status"), shell.run("status")

    assert ([], [], 0) == (document["states"], document["orders"], document["orders_found"])
    assert (0, "no orders yet\n") == (told.exit_code, told.stdout)


def test_status_exits_with_1_when_the_order_failed(shell: Shell) -> None:
    """A refusal is a problem, and its reason is shown."""
    with shell.disburser() as disburser:
        disburser.disburse(make_order("first", amount="9999.00"))
        with pytest.raises(InsufficientIssuingBalanceError):
            disburser.disburse(make_order("other", amount="9999.00"))

    document = shell.json("status", "other", code=1)

    assert "failed" == document["status"]
    assert document["reason"]["message"]
    assert document["reason"]["message"][:30] in " ".join(
        shell.run("status", "other").stdout.split()
    )


def test_status_exits_with_2_when_the_order_is_unknown(shell: Shell) -> None:
    """Nothing can be said about it; the document says so, too."""
    plain = shell.run("status", "nobody")

    assert 2 == plain.exit_code
    assert "nobody" in plain.stderr
    assert "nobody" in shell.json("status", "nobody", code=2)["error"]["message"]


@pytest.mark.parametrize("arguments", [["resume", "claim-8841"], ["resume"]])
def test_resume_finishes_when_a_connection_was_lost(shell: Shell, arguments: list[str]) -> None:
    """One order by name, or all of them; a second run has nothing left to do."""
    shell.simulator.faults.add(
        Fault(endpoint="POST /v1/issuing/cards", action=LoseConnection(after_commit=False), times=0)
    )
    with shell.disburser() as disburser, pytest.raises(UnknownOutcomeError):
        disburser.disburse(make_order())
    shell.simulator.faults.clear()
    shell.simulator.clock.advance(timedelta(minutes=10))

    document = shell.json(*arguments)

    assert ["active"] == [one["status"] for one in document["disbursements"]]
    assert 0 == shell.run(*arguments).exit_code


def test_resume_exits_with_1_when_an_order_still_waits(shell: Shell) -> None:
    """What is screened stays pending, with its reason."""
    simulator = shell.simulator
    with shell.disburser() as disburser:
        paid = disburser.disburse(make_order())
        assert paid.cardholder_id is not None
        simulator.set_screening(paid.cardholder_id, "under_review")
        assert "pending" == disburser.disburse(make_order("second")).status

    document = shell.json("resume", code=1)

    assert ["second"] == [one["order_id"] for one in document["disbursements"]]
    assert "second" in shell.run("resume").stdout


def test_reclaim_takes_back_the_rest_when_asked_by_name_or_by_time(shell: Shell) -> None:
    """The named one at once, the expired ones when their time is up, the others not at all."""
    with shell.disburser() as disburser:
        for name, terms in (("now", None), ("old", SHORT), ("young", None)):
            disburser.disburse(
                make_order(name, terms=terms, recipient=make_recipient(f"payee-{name}"))
            )

    now = shell.json("reclaim", "now")
    shell.simulator.clock.advance(timedelta(days=2))
    old = shell.json("reclaim", "--expired")

    assert [("now", "closed", 12_500)] == [
        (one["order_id"], one["outcome"], one["reclaimed"]["minor"]) for one in now["reclamations"]
    ]
    assert ["old"] == [one["order_id"] for one in old["reclamations"]]
    assert "0 reclamations" in shell.run("reclaim", "--expired").stdout
    assert "closed" in shell.run("reclaim", "young").stdout


def test_reclaim_exits_with_1_when_it_is_stuck(shell: Shell) -> None:
    """A call that nobody answers is a problem, with what to know about it."""
    with shell.disburser() as disburser:
        disburser.disburse(make_order())
    shell.simulator.faults.add(
        Fault(
            endpoint="POST /v1/balance_transfers",
            action=LoseConnection(after_commit=False),
            times=0,
        )
    )

    (one,) = shell.json("reclaim", "claim-8841", code=1)["reclamations"]

    assert "stuck" == one["outcome"]
    assert one["message"]
    assert one["message"] in " ".join(shell.run("reclaim", "claim-8841").stdout.split())


@pytest.mark.parametrize("arguments", [[], ["claim-8841", "--expired"]])
def test_reclaim_does_nothing_when_it_is_unclear_what(shell: Shell, arguments: list[str]) -> None:
    """Cancelling a card is for those who say which."""
    result = shell.run("reclaim", *arguments)

    assert 2 == result.exit_code
    assert "either ORDER_ID or --expired" in uncoloured(result.stderr)
    assert [] == shell.simulator.requests


def test_reconcile_is_clean_when_the_books_agree(shell: Shell) -> None:
    """Objects are counted, differences are none."""
    with shell.disburser() as disburser:
        disburser.disburse(make_order())

    document, told = shell.json("reconcile"), shell.run("reconcile")

    assert [] == document["differences"]
    assert document["matched"] > 0
    assert f"{document['matched']} objects match, 0 differences\n" == told.stdout


def test_reconcile_exits_with_1_when_somebody_moved_money(shell: Shell) -> None:
    """The difference is named with both sides and a remedy."""
    with shell.disburser() as disburser:
        disburser.disburse(make_order())
    shell.simulator.take_back_issuing(shell.account, 700)

    document, told = shell.json("reconcile", code=1), shell.run("reconcile")

    assert 1 == told.exit_code
    assert document["differences"]
    assert {-700} <= {
        one["there"]["minor"] - one["here"]["minor"] for one in document["differences"]
    }
    for one in document["differences"]:
        assert one["object_id"] in told.stdout
        assert one["remedy"]


def test_preflight_names_what_is_wrong_when_nothing_is_set_up(shell: Shell) -> None:
    """Without an endpoint nobody answers: a problem, exit code 1, and 0 once it is there."""
    document = shell.json("preflight", code=1)

    found = {one["name"]: one["verdict"] for one in document["checks"]}
    assert (False, "problem", "ok") == (
        document["is_ready"],
        found["webhooks"],
        found["issuing"],
    )
    shell.disburser().close()
    ready = shell.run("preflight", "--probe")
    assert 0 == ready.exit_code
    assert "by hand" in ready.stdout


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"STRIPE_API_KEY": None}, "STRIPE_API_KEY: is not set"),
        ({"STRIPE_API_KEY": "nonsense-secret"}, "api_key: is no secret or restricted key"),
        ({"STRIPE_API_KEY": "sk_test_wrongkey"}, "API key"),
        ({"STRIPE_ACCOUNT": None}, "STRIPE_ACCOUNT: is not set"),
        ({"STRIPE_ACCOUNT": "ac_1"}, "account: is no account id"),
        ({"ISSUING_DISBURSE_STORE": "nonsense"}, "store: is no database URL"),
    ],
)
def test_nothing_runs_when_the_connection_is_not_described(
    shell: Shell, environment: dict[str, str | None], words: str
) -> None:
    """Exit code 2, one line on what to set, and never the key itself."""
    result = shell.run("reconcile", **environment)

    assert 2 == result.exit_code
    assert "" == result.stdout
    assert "nonsense-secret" not in result.stderr
    assert "wrongkey" not in result.stderr
    assert words.lower() in result.stderr.lower()


def test_the_platform_is_meant_when_it_is_named(shell: Shell) -> None:
    """Leaving the account out is a mistake; the platform's own balance has a name."""
    document = shell.json("reconcile", "--account", "platform")

    assert document["account"] is None


def test_a_made_up_secret_serves_when_none_is_set(shell: Shell) -> None:
    """No command is sent webhooks, so none is needed."""
    assert 0 == shell.run("reconcile", STRIPE_WEBHOOK_SECRET=None).exit_code


def test_keys_are_no_options_when_help_is_asked_for() -> None:
    """Every user of a machine can read its command lines."""
    for command in ("status", "resume", "reclaim", "reconcile", "preflight"):
        told = uncoloured(run(command, "--help").stdout)
        assert "--account" in told
        assert "--key" not in told
        assert "--api-key" not in told
        assert "--secret" not in told
