"""
Is the network closed for tests that use the plugin's fixtures, for them alone, and beside other guards?
"""

import pytest

from issuing_disburse.testing.playing.network import is_here

pytest_plugins = ["pytester"]
# 192.0.2.0/24 is reserved for documents; no host has an address of it.


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("::1%lo", True), ("localhost", True),
        ("", True), ("0.0.0.0", True),  # noqa: S104 - compared, not bound
        ("10.0.0.1", False), ("localhost.example.com", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_this_machine_is_known(host: str, expected: bool) -> None:
    """Loopback in each of its forms is this machine, and nothing else is."""
    assert expected is is_here(host)


def test_the_network_is_closed_for_tests_with_our_fixtures_alone(
    pytester: pytest.Pytester,
) -> None:
    """Others reach what they want; ours reach this machine, a host of the marker, and one of the settings."""
    pytester.makeini("[pytest]\nissuing_allowed_hosts = 192.0.2.7\nmarkers = block_network\n")
    pytester.makepyfile(
        """
        import errno, socket
        import pytest

        def reach(host):
            with socket.socket() as stream:
                stream.setblocking(False)
                return stream.connect_ex((host, 9))

        def test_other_tests_are_free():
            reach("192.0.2.1")

        def test_closed(disburser, issuing_order):
            with pytest.raises(RuntimeError, match="tried to reach '192.0.2.1'"):
                reach("192.0.2.1")
            assert disburser.disburse(issuing_order()).card

        def test_closed_for_scenarios(scenario):
            with pytest.raises(RuntimeError, match="allow_hosts"):
                reach("192.0.2.1")

        def test_served(issuing_simulator):
            import urllib.request
            with issuing_simulator.serve() as address:
                with pytest.raises(urllib.error.HTTPError, match="401"):
                    urllib.request.urlopen(address.base_url + "/v1/balance")

        def test_reverse(issuing_account):
            socket.getfqdn()  # this machine's own
            for look in (
                lambda: socket.getnameinfo(("192.0.2.1", 9), 0),
                lambda: socket.gethostbyaddr("192.0.2.1"),
            ):
                with pytest.raises(RuntimeError, match="tried to reach '192.0.2.1'"):
                    look()

        def test_setting(issuing_account):
            reach("192.0.2.7")

        @pytest.mark.issuing(allow_hosts=["192.0.2.1"])
        def test_marker(issuing_account):
            reach("192.0.2.1")

        @pytest.mark.issuing(allow_hosts="*")
        def test_all(issuing_account):
            reach("192.0.2.9")

        def test_free_again():
            reach("192.0.2.1")

        @pytest.mark.parametrize("host", ["api.stripe.com", b"api.stripe.com"])
        def test_names(issuing_account, host):
            with pytest.raises(RuntimeError, match="'api.stripe.com'"):
                socket.getaddrinfo(host, 443)

        def test_guards_nest(issuing_account):
            from issuing_disburse.testing.playing.network import blocked
            with blocked(["192.0.2.1"]):
                reach("192.0.2.1")
            with blocked(["*"]), pytest.raises(RuntimeError):
                reach("192.0.2.1")
            with pytest.raises(RuntimeError):
                reach("192.0.2.1")
        """
    )

    done = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")

    done.assert_outcomes(passed=12)


def test_other_guards_and_workers_stay_what_they_are(pytester: pytest.Pytester) -> None:
    """With pytest-socket's and pytest-recording's guards, in two processes, everything goes on in process."""
    pytester.makepyfile(
        """
        import socket
        import pytest

        @pytest.mark.block_network
        def test_recording(disburser, issuing_order):
            assert disburser.disburse(issuing_order()).card
            with pytest.raises(RuntimeError):
                socket.create_connection(("192.0.2.1", 9), timeout=1)

        @pytest.mark.parametrize("number", range(4))
        def test_socket(scenario, number):
            assert scenario("exact_purchase").decisions[0].approved
            with pytest.raises(RuntimeError):
                socket.socket()
        """
    )

    done = pytester.runpytest_subprocess(
        "-q", "-p", "no:cacheprovider", "-n", "2", "--disable-socket", "--allow-unix-socket"
    )

    done.assert_outcomes(passed=5)


def test_a_forgotten_http_client_is_named_when_no_answer_came(pytester: pytest.Pytester) -> None:
    """The library tells of a closed network as of any other: the report says what closed it, and the remedy."""
    pytester.makepyfile(
        """
        from issuing_disburse import Disburser

        def test_it(issuing_order, issuing_account):
            with Disburser.connect(
                api_key="sk_test_x", account=issuing_account, webhook_secret="whsec_x",
                store="memory://", sleep=lambda seconds: None,
            ) as forgetful:
                forgetful.disburse(issuing_order())

        def test_of_something_else(issuing_order):
            raise LookupError("no such luck")
        """
    )

    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E *UnavailableError: no answer came from Stripe",
            "E *tried to reach 'api.stripe.com'*http_client=*",
        ]
    )
    assert 1 == sum("tried to reach" in line and line[0] == "E" for line in result.outlines if line)
