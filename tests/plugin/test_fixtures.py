"""
Do the plugin's fixtures and its marker do in a suite of somebody else's what they promise?
"""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

ONE_TEST = """
    def test_it(disburser, issuing_order):
        assert disburser.disburse(issuing_order()).card.last4
"""


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STRIPE_TEST_KEY", "STRIPE_TEST_ACCOUNT", "ISSUING_TEST_API_BASE"):
        monkeypatch.delenv(name, raising=False)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """
    Run the miniature suite in a process of its own; its plugin comes by the entry point, as for anybody.
    """
    return pytester.runpytest_subprocess("-q", "-rs", "-p", "no:cacheprovider", *options)


def test_the_plugin_costs_nothing_while_nobody_uses_it(pytester: pytest.Pytester) -> None:
    """With the plugin loaded and unused, nothing of the library is imported but its two empty rooms."""
    pytester.makepyfile(
        """
        import sys

        def test_it(request):
            assert request.config.pluginmanager.has_plugin("issuing_disburse")
            ours = {one for one in sys.modules if one.startswith("issuing_disburse")}
            assert ours == {
                "issuing_disburse", "issuing_disburse.on_demand", "issuing_disburse.pytest_plugin"
            }
            assert not {"stripe", "sqlalchemy", "attrs", "attr", "orjson", "urllib3"} & set(sys.modules)
        """
    )

    run(pytester, "-p", "no:hypothesispytest", "-p", "no:recording").assert_outcomes(passed=1)


def test_importing_the_plugin_imports_no_part_of_the_library() -> None:
    """The module itself needs pytest alone."""
    program = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport issuing_disburse.pytest_plugin\n"
        "print(*sorted(one for one in set(sys.modules) - before if one != '__future__'))"
    )
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert "issuing_disburse issuing_disburse.on_demand issuing_disburse.pytest_plugin" == (
        answer.stdout.strip()
    )


def test_the_fixtures_belong_together(pytester: pytest.Pytester) -> None:
    """Simulator, account, clock, sink, orders and disburser of one test are one world, fresh for each test."""
    pytester.makepyfile(
        """
        from datetime import timedelta
        from issuing_disburse import Disburser, Status
        from issuing_disburse.simulator import IssuingSimulator

        def test_one_world(disburser, issuing_simulator, issuing_account, manual_clock, issuing_order):
            assert isinstance(disburser, Disburser) and isinstance(issuing_simulator, IssuingSimulator)
            assert disburser.account == issuing_account
            card = disburser.disburse(issuing_order("80.00")).card
            issuing_simulator.capture(issuing_simulator.authorize(card.id, 8_000)["id"])
            assert disburser.get("order-1").status is Status.SPENT
            manual_clock.advance(timedelta(days=31))
            assert issuing_simulator.clock.now() == manual_clock.now()
            assert [one.outcome for one in disburser.reclaim_expired()] == ["closed"]
            assert disburser.reconcile().is_clean

        def test_a_fresh_one(disburser, issuing_order, issuing_simulator):
            assert issuing_simulator.objects("card") == []
            assert issuing_order().id == "order-1" and issuing_order().id == "order-2"

        def test_cards_go_to_the_sink(disburser, capturing_sink, issuing_order):
            card = disburser.disburse(issuing_order()).card
            assert [one.card.id for one in capturing_sink.deliveries] == [card.id]

        def test_no_sink_no_number(disburser, issuing_order, issuing_simulator):
            disburser.disburse(issuing_order())
            assert not [one for one in issuing_simulator.requests if "expand" in one.path]

        def test_scenarios(scenario):
            assert scenario("over_capture").alerts[0].kind == "over_capture"
            assert scenario("double_use").asked[1].reason == "card_canceled"
        """
    )

    run(pytester).assert_outcomes(passed=5)


def test_orders_are_in_the_currency_of_the_account(pytester: pytest.Pytester) -> None:
    """With the marker's country goes the currency, of the orders, too; a test may still say another."""
    pytester.makepyfile(
        """
        import pytest
        from issuing_disburse import Money, Status

        @pytest.mark.parametrize("amount", ["80.00", Money.of("80.00", "gbp")])
        @pytest.mark.issuing(country="GB", issuing_funds=8_000)
        def test_there(disburser, issuing_order, amount):
            order = issuing_order(amount)
            assert order.amount == Money.of("80.00", "gbp")
            assert order.recipient.billing.country == "GB"

        @pytest.mark.issuing(country="FR")
        def test_abroad(disburser, issuing_order):
            waiting = disburser.disburse(issuing_order())
            assert waiting.amount.currency == "eur"
            assert waiting.status in {Status.PENDING, Status.ACTIVE}
            assert issuing_order(currency="usd").amount.currency == "usd"
        """
    )

    run(pytester).assert_outcomes(passed=3)


def test_what_a_suite_overrides_wins(pytester: pytest.Pytester) -> None:
    """A suite that has fixtures of the same names keeps them, and options of its own reach ours."""
    pytester.makeconftest(
        """
        import pytest
        from issuing_disburse import AuthorizationPolicy, Objection

        @pytest.fixture
        def issuing_options():
            def never(request, allotment):
                return Objection("never", "no")
            return {"policy": AuthorizationPolicy.default().with_rules(never)}
        """
    )
    pytester.makepyfile(
        test_names="""
        import pytest

        @pytest.fixture
        def disburser():
            return "mine"

        @pytest.fixture
        def manual_clock(request):
            return 7

        @pytest.fixture
        def scenario(disburser):
            return disburser + " too"

        def test_mine(disburser, manual_clock, scenario):
            assert (disburser, manual_clock, scenario) == ("mine", 7, "mine too")
        """,
        test_options="""
        def test_policy(disburser, issuing_simulator, issuing_order, scenario):
            card = disburser.disburse(issuing_order()).card
            assert not issuing_simulator.authorize(card.id, 12_500)["approved"]
            assert [one.code for one in scenario("exact_purchase").decisions] == ["never"]
        """,
    )

    run(pytester).assert_outcomes(passed=2)


def test_a_marker_sets_switches_and_faults(pytester: pytest.Pytester) -> None:
    """Switches, faults and what the account has come from the markers of test, class and module together."""
    pytester.makepyfile(
        """
        import pytest
        from datetime import datetime, UTC
        from issuing_disburse import Status
        from issuing_disburse.exceptions import RefusedError
        from issuing_disburse.simulator import Fault, Refuse

        pytestmark = pytest.mark.issuing(issuing_funds=500, screening_seconds=60.0)

        @pytest.mark.issuing(
            Fault(endpoint="POST /v1/issuing/cards", action=Refuse()),
            start=datetime(2027, 1, 1, tzinfo=UTC),
        )
        class TestAll:
            @pytest.mark.issuing(screening_seconds=0.0)
            def test_nearest_wins(self, disburser, issuing_simulator, issuing_account, issuing_order):
                assert issuing_simulator.issuing_balance(issuing_account) == 500
                assert issuing_simulator.clock.now().year == 2027
                with pytest.raises(RefusedError, match="scripted"):
                    disburser.disburse(issuing_order())

            def test_farther_one(self, disburser, issuing_order):
                assert disburser.disburse(issuing_order()).reason.code == "cardholder_under_review"

        @pytest.mark.issuing(country="DE", screening_seconds=0.0)
        def test_country(disburser, issuing_order):
            assert disburser.disburse(issuing_order(currency="eur")).reason.code == "money_in_flight"

        @pytest.mark.issuing(only="simulator")
        def test_only(issuing_simulator):
            pass
        """
    )

    run(pytester).assert_outcomes(passed=4)


def test_a_wrong_marker_says_what_is_meant(pytester: pytest.Pytester) -> None:
    """An unknown switch names those like it, a wrong value what would be right, an idle marker that it is idle."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.issuing(screening_second=3.0)
        def test_misspelt(disburser): pass

        @pytest.mark.issuing(xyzzy=True)
        def test_unheard_of(disburser): pass

        @pytest.mark.issuing(webhook_timeout_decision="maybe")
        def test_value(disburser): pass

        @pytest.mark.issuing(issuing_funds=1.5)
        def test_float(disburser): pass

        @pytest.mark.issuing(start="2026")
        def test_start(disburser): pass

        @pytest.mark.issuing(only="stripe")
        def test_only(disburser): pass

        @pytest.mark.issuing("refuse")
        def test_fault(disburser): pass

        @pytest.mark.issuing(seed=3)
        def test_idle(tmp_path): pass
        """
    )

    result = run(pytester)

    result.assert_outcomes(errors=8)
    result.stdout.fnmatch_lines(
        [
            "*screening_second: is no switch of the simulator's; did you mean screening_seconds*",
            "*xyzzy: is no switch of the simulator's; there are account_api_version, *",
            "*webhook_timeout_decision: is 'maybe'; give 'approve' or 'decline'",
            "*issuing_funds: is 1.5; give minor units, from 0",
            "*start: is '2026'; give an aware datetime",
            "*only: is 'stripe'; give 'simulator'",
            "*faults: 'refuse' is no fault; *Fault(...)*",
            "*has no effect here: the test asks for none of the fixtures capturing_sink, disburser, *",
        ]
    )


def test_the_plugin_helps_when_it_is_asked(pytester: pytest.Pytester) -> None:
    """Options, settings, fixtures and the marker stand in pytest's own help."""
    options = run(pytester, "--help").stdout.str()
    markers = run(pytester, "--markers").stdout.str()
    fixtures = run(pytester, "--fixtures").stdout.str()

    for told in ("--issuing=", "--issuing-record=", "issuing_cassettes", "issuing_allowed_hosts"):
        assert told in options
    assert "@pytest.mark.issuing(*faults, seed=" in markers
    for name in ("capturing_sink", "disburser", "issuing_simulator", "manual_clock", "scenario"):
        assert f"\n{name} --" in fixtures
