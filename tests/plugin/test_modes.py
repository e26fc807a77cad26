"""
Does the same test play on a simulator, on cassettes and at Stripe's test mode, and are wrong options told?
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.testing.cassettes.tape import load

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
FLOWS = "tests/recorded/test_flows.py"
KEYS = ("STRIPE_TEST_KEY", "STRIPE_TEST_ACCOUNT", "ISSUING_TEST_API_BASE")


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stripe_test_mode(monkeypatch: pytest.MonkeyPatch) -> Iterator[IssuingSimulator]:
    """
    Serve a simulator that stands in for Stripe: nobody here has ever met the real one.
    """
    with (
        IssuingSimulator(seed=11, start=datetime.now(UTC)) as simulator,
        simulator.serve(running_clock=True) as address,
    ):
        found = (
            simulator.api_key,
            simulator.create_account(issuing_funds=5_000_000),
            address.base_url,
        )
        for name, value in zip(KEYS, found, strict=True):
            monkeypatch.setenv(name, value)
        yield simulator


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """
    Run the miniature suite in a process of its own.
    """
    return pytester.runpytest_subprocess("-q", "-rs", "-p", "no:cacheprovider", *options)


def run_flows(*options: str) -> str:
    """
    Run the ten flows of this repository in a process of their own, and return the last line.
    """
    done = subprocess.run(  # noqa: S603 - the interpreter of this test, and files of this repository
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", FLOWS, *options],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else done.stdout


def test_the_ten_flows_pass_on_cassettes() -> None:
    """What passes on a simulator passes on what was recorded of one over HTTP, to the last interaction."""
    assert run_flows("--issuing=cassette").startswith("10 passed")


def test_the_cassettes_say_what_they_were_recorded_against() -> None:
    """No cassette of this repository claims to be Stripe's."""
    cassettes = [
        one
        for one in (ROOT / "tests" / "recorded").rglob("*.yaml")
        if not one.stem.endswith(".deliveries")
    ]

    assert 10 == len(cassettes)
    for one in cassettes:
        assert "\nrecorded_against: the simulator, over HTTP\n" in one.read_text()[:200]


@pytest.mark.long
def test_recording_anew_changes_nothing(tmp_path: Path) -> None:
    """Recorded again, every cassette says the same, and so does what came in."""
    told = run_flows(
        "--issuing=cassette",
        "--issuing-record=simulator",
        "-o",
        f"issuing_cassettes={tmp_path}",
    )

    assert told.startswith("10 passed")
    kept = ROOT / "tests" / "recorded" / "cassettes" / "issuing"
    names = sorted(one.relative_to(kept) for one in kept.rglob("*.yaml"))
    assert names == sorted(one.relative_to(tmp_path) for one in tmp_path.rglob("*.yaml"))
    names = [one for one in names if not one.stem.endswith(".deliveries")]  # read along
    for name in names:
        assert load(kept / name) == load(tmp_path / name), name


@pytest.mark.long
@pytest.mark.usefixtures("stripe_test_mode")
def test_the_ten_flows_pass_at_what_stands_in_for_stripe(tmp_path: Path) -> None:
    """Twice over one account, and recorded from it: fresh ids, money that was there, events that are fetched."""
    for _ in range(2):
        assert run_flows("--issuing=stripe").startswith("10 passed")
    where = ("-o", f"issuing_cassettes={tmp_path}", "--issuing=cassette")
    assert run_flows(*where, "--issuing-record=stripe").startswith("10 passed")

    assert run_flows(*where).startswith("10 passed")
    header = next(tmp_path.rglob("test_an_order_is_paid_once.yaml")).read_text()[:200]
    assert "recorded_against: what stands in for Stripe at http://127.0.0.1" in header


@pytest.mark.usefixtures("stripe_test_mode")
def test_what_stripe_cannot_carry_is_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    """Of the stories those run that Stripe's test mode can carry; the others say why not."""
    pytester.makepyfile(
        """
        import pytest
        from datetime import timedelta
        from issuing_disburse.testing import SCENARIOS

        @pytest.mark.parametrize("name", SCENARIOS)
        def test_story(scenario, name):
            told = scenario(name)
            assert told.statement.is_balanced and not told.discrepancies

        def test_clock(manual_clock):
            with pytest.raises(Exception, match="cannot be moved"):
                manual_clock.advance(timedelta(days=1))

        def test_faults(issuing_simulator):
            issuing_simulator.faults.clear()

        @pytest.mark.issuing(country="DE")
        def test_marker(issuing_account): pass

        @pytest.mark.issuing(only="simulator")
        def test_only(issuing_account): pass
        """
    )

    done = run(pytester, "--issuing=stripe")

    done.assert_outcomes(passed=13, skipped=21)
    done.stdout.fnmatch_lines_random(
        [
            "*expiry: Stripe's test mode cannot carry it: nobody moves Stripe's clock",
            "*wrong_amount: *it is our answer that counts, and Stripe asks only a public URL",
            "*faults: Stripe does not misbehave on demand",
            "*the test's marker asks for what only a simulator can be told",
            "*the test's marker says only='simulator'",
        ]
    )


def test_a_cassette_is_written_for_what_passed_alone(pytester: pytest.Pytester) -> None:
    """A failing or skipped test records nothing; what passed plays, and notices when the test changes."""
    pytester.makepyfile(
        """
        import os
        import pytest

        def test_passes(disburser, issuing_simulator, issuing_order):
            card = disburser.disburse(issuing_order(os.environ.get("AMOUNT", "80.00"))).card
            assert issuing_simulator.authorize(card.id, 8_000)["approved"]

        def test_fails(disburser, issuing_order):
            disburser.disburse(issuing_order())
            assert "FIXED" in os.environ

        def test_skips(disburser, issuing_order):
            disburser.disburse(issuing_order())
            pytest.skip("later")

        def test_cannot(disburser, issuing_simulator):
            issuing_simulator.rotate_webhook_secret()

        class TestOther:
            @pytest.mark.parametrize("kind", ["a/b", "a b", "a-b"])
            def test_passes(self, scenario, kind):
                assert scenario("exact_purchase").decisions[0].approved
                assert scenario("double_use").asked[1].reason == "card_canceled"
        """
    )

    made = run(pytester, "--issuing=cassette", "--issuing-record=simulator")

    made.assert_outcomes(passed=4, failed=1, skipped=2)
    made.stdout.fnmatch_lines(["*'rotate_webhook_secret' cannot be recorded on a cassette"])
    folder = pytester.path / "cassettes" / "issuing"
    names = sorted(one.name for one in folder.rglob("*.yaml"))
    assert ["test_passes.deliveries.yaml", "test_passes.yaml"] == names[-2:]
    assert 8 == len(names)  # two tests never share one
    played = run(pytester, "--issuing=cassette", "-k", "passes or fails")
    played.assert_outcomes(passed=4, errors=1)
    played.stdout.fnmatch_lines(
        ["*To record it: pytest --issuing=cassette --issuing-record=simulator '*::test_fails'"]
    )


@pytest.mark.long
def test_a_test_that_changed_is_told_apart_from_its_cassette(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that was not recorded is named, and so is one that was recorded and is not made."""
    pytester.makepyfile(
        """
        import os

        def test_it(disburser, issuing_simulator, issuing_order):
            card = disburser.disburse(issuing_order(os.environ.get("AMOUNT", "80.00"))).card
            if "LESS" not in os.environ:
                issuing_simulator.authorize(card.id, 8_000)
        """
    )
    run(pytester, "--issuing=cassette", "--issuing-record=simulator").assert_outcomes(passed=1)
    monkeypatch.setenv("AMOUNT", "90.00")

    other = run(pytester, "--issuing=cassette")

    assert other.ret == pytest.ExitCode.TESTS_FAILED
    other.stdout.fnmatch_lines(["*holds no answer to POST */v1/issuing/cards*"])
    monkeypatch.delenv("AMOUNT")
    monkeypatch.setenv("LESS", "1")
    less = run(pytester, "--issuing=cassette")
    assert less.ret == pytest.ExitCode.TESTS_FAILED
    less.stdout.fnmatch_lines(["*1 interaction(s) were recorded and not asked for*"])


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        (["--issuing=simulater"], {}, "--issuing=simulater is unknown: did you mean simulator?"),
        (["--issuing=x"], {}, "--issuing=x is unknown: there are simulator, cassette, stripe"),
        (["--issuing-record=stipe"], {}, "did you mean stripe?"),
        (["--issuing-record=simulator"], {}, "pass --issuing=cassette with it"),
        (["--issuing=stripe"], {}, "set STRIPE_TEST_KEY to a secret or restricted key"),
        (["--issuing=stripe"], {"STRIPE_TEST_KEY": "sk_live_dontquote"}, "is a live key: tests"),
        (["--issuing=stripe"], {"STRIPE_TEST_KEY": "rk_live_dontquote"}, "is a live key: tests"),
        (["--issuing=stripe"], {"STRIPE_TEST_KEY": "pk_test_dontquote"}, "is no secret key"),
        (
            ["--issuing=cassette", "--issuing-record=stripe"],
            {"STRIPE_TEST_KEY": "sk_test_dontquote", "STRIPE_TEST_ACCOUNT": "dontquote"},
            "STRIPE_TEST_ACCOUNT is no account id",
        ),
    ],
)
def test_wrong_options_are_told_before_anything_runs(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    environment: dict[str, str],
    told: str,
) -> None:
    """The error names option and remedy, and quotes no key."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    done = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", *options)

    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert told in done.stderr.str()
    assert "dontquote" not in done.stderr.str() + done.stdout.str()
