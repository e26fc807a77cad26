"""
What does pytest get, once this library is installed?

Options, a marker and fixtures. Nothing of the library is imported before a test asks for a fixture, or carries the
marker; and a fixture of the same name in a suite of yours is taken in the place of one from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .disburser import Disburser
    from .order import Order
    from .testing import CapturingSink, Happened
    from .testing.playing.marks import Setting
    from .testing.stage import Stage

MODES = ("simulator", "cassette", "stripe")
SOURCES = ("simulator", "stripe")
FIXTURES = frozenset(
    {"capturing_sink", "disburser", "issuing_account", "issuing_order", "issuing_simulator"}
    | {"issuing_stage", "manual_clock", "scenario"}
)
MARKER = (
    "issuing(*faults, seed=, start=, country=, platform_funds=, issuing_funds=, payouts=, balance_transfers=, "
    "issuing=, only=, allow_hosts=, **switches): what the simulator behind issuing_disburse's fixtures is like; "
    "switches are those of issuing_disburse.simulator.Behaviour"
)

# Whose AttributeErrors say that a stage cannot carry something; the modules are not imported to know them.
_REASONS = frozenset(
    {"issuing_disburse.testing.playing.at_stripe", "issuing_disburse.testing.playing.outside"}
)
_PASSED = pytest.StashKey[bool]()
_TEST_KEY = pytest.StashKey[str]()


class _NotPassedError(Exception):
    """
    The test did not pass: nothing is recorded of it.
    """


def pytest_addoption(parser: pytest.Parser) -> None:
    """
    Take the options and settings of this plugin.
    """
    group = parser.getgroup("issuing_disburse", "paying by single-use card (issuing_disburse)")
    group.addoption(
        "--issuing",
        default="simulator",
        metavar="|".join(MODES),
        help="where tests play that use issuing_disburse's fixtures: a simulator in the process (the default), "
        "cassettes, or Stripe's test mode with the key in STRIPE_TEST_KEY",
    )
    group.addoption(
        "--issuing-record",
        default=None,
        metavar="|".join(SOURCES),
        help="with --issuing=cassette: record the cassettes anew, against a simulator over HTTP or Stripe's test mode",
    )
    parser.addini(
        "issuing_cassettes",
        "the folder of cassettes, beside each test module",
        default="cassettes/issuing",
    )
    parser.addini(
        "issuing_allowed_hosts",
        "hosts that tests with issuing_disburse's fixtures may reach beside this machine",
        type="args",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """
    Check the options before any test is collected.
    """
    config.addinivalue_line("markers", MARKER)
    mode, record = config.getoption("--issuing"), config.getoption("--issuing-record")
    for option, value, known in (("--issuing", mode, MODES), ("--issuing-record", record, SOURCES)):
        if value is not None and value not in known:
            from difflib import get_close_matches  # noqa: PLC0415 - only who misspells

            near = get_close_matches(value, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise pytest.UsageError(f"{option}={value} is unknown: {hint}")
    if record is None and mode != "stripe":
        return
    from .exceptions import InvalidInputError  # noqa: PLC0415 - only who asks for more than the default
    from .testing.playing.stages import KEY, check_options  # noqa: PLC0415 - likewise

    try:
        check_options(mode, record)
    except InvalidInputError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_TEST_KEY] = environ.get(KEY, "")


def pytest_report_header(config: pytest.Config) -> str | None:
    """
    Say where tests play, if not on a simulator.
    """
    mode, record = config.getoption("--issuing"), config.getoption("--issuing-record")
    if mode == "simulator":
        return None
    return f"issuing_disburse: {mode}" + (f", recorded anew against {record}" if record else "")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """
    Refuse a marker that says what cannot be, or says it to nobody.
    """
    if item.get_closest_marker("issuing") is None:
        return
    _setting(item)
    if not FIXTURES & set(getattr(item, "fixturenames", ())):
        pytest.fail(
            "@pytest.mark.issuing has no effect here: the test asks for none of the fixtures "
            f"{', '.join(sorted(FIXTURES))}",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:  # what is returned is None, too
    """
    Skip a test that asks for what the Stripe that it plays on cannot carry, with the reason.

    What came of a closed network is told again: a client of HTTP may have made "no answer" of it.
    """
    try:
        return (yield)
    except AttributeError as error:
        if type(error).__module__ not in _REASONS:
            raise
        pytest.skip(str(error))
    except Exception as error:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            from .testing.playing.network import refusals  # noqa: PLC0415 - a fixture has imported it

            for told in refusals():
                if told not in str(error):
                    error.add_note(told)
        raise


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[None]:  # what is yielded to, and returned, is the report
    """
    Remember whether a test passed, so that nothing is recorded of one that did not; tell nobody the key.
    """
    report = yield
    key = item.config.stash.get(_TEST_KEY, "")
    if key:
        from .testing.playing.reports import clear  # noqa: PLC0415 - only who asks for Stripe

        clear(report, key)
    if call.when == "call" and FIXTURES & set(getattr(item, "fixturenames", ())):
        item.stash[_PASSED] = report.passed  # type: ignore[attr-defined]  # a report
    return report


@pytest.fixture
def issuing_options() -> dict[str, Any]:
    """
    Options of `issuing_disburse.Disburser.connect` for `disburser` and `scenario`: override it.
    """
    return {}


@pytest.fixture
def issuing_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """
    The Stripe that the test plays on, as `--issuing` says.
    """
    setting = _setting(request.node)
    with (
        _closed_network(request, setting),
        suppress(_NotPassedError),
        _opened(request, setting) as stage,
    ):
        yield stage
        if not request.node.stash.get(_PASSED, False):
            raise _NotPassedError  # nothing is recorded of it, nor missed when it is played


@pytest.fixture
def issuing_simulator(issuing_stage: Stage) -> Any:  # Any: a simulator, or what stands in for one
    """
    Merchants, banks and misfortune: an `issuing_disburse.simulator.IssuingSimulator`.

    With a cassette, and at Stripe's test mode, what stands in for one: the verbs that it can carry.
    """
    return issuing_stage.simulator


@pytest.fixture
def issuing_account(issuing_stage: Stage) -> str | None:
    """
    The connected account that holds the cards; ``None`` is the platform's own balance.
    """
    return issuing_stage.account


@pytest.fixture
def manual_clock(issuing_stage: Stage) -> Any:  # Any: the simulator's clock, or one like it
    """
    The clock of everything in the test: ``now()``, ``advance(timedelta)``, ``sleep(seconds)``.
    """
    return issuing_stage.clock


@pytest.fixture
def capturing_sink() -> CapturingSink:
    """
    A sink that keeps no number; `disburser` hands its cards to it in each test that asks for it.
    """
    from .testing import CapturingSink as Sink  # noqa: PLC0415 - only who asks for it

    return Sink()


@pytest.fixture
def disburser(
    request: pytest.FixtureRequest, issuing_stage: Stage, issuing_options: dict[str, Any]
) -> Iterator[Disburser]:
    """
    A real `issuing_disburse.Disburser`, connected to the stage, that hears of everything there.
    """
    options = dict(issuing_options)
    if "capturing_sink" in request.fixturenames:
        options.setdefault("sink", request.getfixturevalue("capturing_sink"))
    with issuing_stage.connect(**options) as connected:
        yield connected


@pytest.fixture
def issuing_order(request: pytest.FixtureRequest, issuing_stage: Stage) -> Callable[..., Order]:
    """
    Makes orders like `issuing_disburse.testing.make_order`, under fresh ids and in the account's currency.
    """
    from .testing.ordering import OrderMaker  # noqa: PLC0415 - only who asks for it

    return OrderMaker(issuing_stage.suffix, _setting(request.node).currency)


@pytest.fixture
def scenario(
    request: pytest.FixtureRequest, issuing_options: dict[str, Any]
) -> Iterator[Callable[..., Happened]]:
    """
    Tells a story by its name: see `issuing_disburse.testing.scenario`.
    """
    from .testing.scenarios import performing  # noqa: PLC0415 - only who asks for it

    with ExitStack() as stack:
        if request.config.getoption("--issuing") == "simulator":
            stack.enter_context(_closed_network(request, _setting(request.node)))

        def tell(name: str, **arguments: Any) -> Happened:
            found = performing.named(name)
            stage = None
            if request.config.getoption("--issuing") != "simulator":
                if found.not_at_stripe:
                    pytest.skip(
                        f"{name}: Stripe's test mode cannot carry it: {found.not_at_stripe}"
                    )
                stage = request.getfixturevalue("issuing_stage")
            told = performing.scenario(name, stage=stage, **{**issuing_options, **arguments})
            stack.callback(told.close)
            return told

        yield tell


def _setting(node: pytest.Item) -> Setting:
    from .exceptions import InvalidInputError  # noqa: PLC0415 - only who uses it
    from .testing.playing.marks import setting_of  # noqa: PLC0415 - likewise

    try:
        return setting_of(reversed(list(node.iter_markers("issuing"))))
    except InvalidInputError as error:
        pytest.fail(f"@pytest.mark.issuing: {error}", pytrace=False)


def _closed_network(
    request: pytest.FixtureRequest, setting: Setting
) -> AbstractContextManager[None]:
    from .testing.playing.network import ALL, blocked  # noqa: PLC0415 - only who uses it

    is_out = "stripe" in (
        request.config.getoption("--issuing"),
        request.config.getoption("--issuing-record"),
    )
    hosts = (*setting.allow_hosts, *request.config.getini("issuing_allowed_hosts"))
    return blocked((ALL,) if is_out else hosts)


@contextmanager
def _opened(request: pytest.FixtureRequest, setting: Setting) -> Iterator[Stage]:
    from .testing.cassettes import CassetteError  # noqa: PLC0415 - only who uses it
    from .testing.playing import stages  # noqa: PLC0415 - likewise
    from .testing.playing.at_stripe import NotAtStripeError  # noqa: PLC0415 - likewise
    from .testing.playing.cassette_names import cassette_of  # noqa: PLC0415 - likewise

    mode = request.config.getoption("--issuing")
    record = request.config.getoption("--issuing-record")
    folder = request.config.getini("issuing_cassettes")
    path = cassette_of(Path(request.path), request.node.nodeid, folder)
    if setting.only is not None and mode != setting.only:
        pytest.skip(f"the test's marker says only={setting.only!r}")
    if mode == "simulator":
        opened = stages.on_simulator(setting)
    elif mode == "stripe":
        opened = stages.at_stripe(setting)
    elif record is None:
        opened = stages.on_cassette(path)
    elif record == "simulator":
        opened = stages.recording_simulator(path, setting)
    else:
        opened = stages.recording_stripe(path, setting)
    with ExitStack() as stack:
        try:
            stage = stack.enter_context(opened)
        except NotAtStripeError as reason:
            pytest.skip(str(reason))
        except CassetteError as error:
            if error.code != "cassette_missing":
                raise
            pytest.fail(
                f"{error}. To record it: pytest --issuing=cassette --issuing-record=simulator "
                f"{request.node.nodeid!r}",
                pytrace=False,
            )
        yield stage
