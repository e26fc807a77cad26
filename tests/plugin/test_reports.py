"""
Does the key of Stripe's test mode stay out of everything that is told of a test?
"""

from pathlib import Path

import pytest

from issuing_disburse.testing.playing.reports import without_key

pytest_plugins = ["pytester"]
KEY = "sk_" + "test_" + "51H8abcdefGHIJklmnopQRSTuvwxyz0123456789ABCDEFghij" * 2


def test_the_key_is_told_nowhere_when_tests_fail(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in arguments, shortened or whole, locals, differences, captured output or JUnit's file."""
    monkeypatch.setenv("STRIPE_TEST_KEY", KEY)
    monkeypatch.setenv("ISSUING_TEST_API_BASE", "http://127.0.0.1:9")
    pytester.makepyfile(
        """
        import os, sys
        import pytest

        def call(headers, padded):
            raise OSError(f"refused: {headers}")

        def headers(key, before=0, behind=0):
            return {"A": "a" * before, "Authorization": "Bearer " + key, "Z": "z" * behind}

        @pytest.fixture
        def broken(issuing_stage):
            yield
            call(headers(issuing_stage.api_key), headers(issuing_stage.api_key, 200, 10))

        def test_differs(issuing_stage):
            assert issuing_stage.api_key == "sk"

        @pytest.mark.parametrize("before", range(0, 200, 40))
        def test_raises(issuing_stage, before):
            key = issuing_stage.api_key
            print(key)
            print(key, file=sys.stderr)
            call(headers(key), headers(key, before, 200 - before))

        def test_skips(issuing_stage):
            pytest.skip(issuing_stage.api_key)

        def test_ends(broken): pass
        """
    )
    done = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "--issuing=stripe", "-rA", "-l", "-vv", "--junitxml=told.xml",
        "-o", "junit_logging=all",
    )  # fmt: skip
    told = str(done.stdout) + str(done.stderr) + Path("told.xml").read_text()

    done.assert_outcomes(failed=6, skipped=1, passed=1, errors=1)
    assert [] == [at for at in range(len(KEY) - 14) if KEY[at : at + 14] in told]


@pytest.mark.parametrize("size", [8, 30, len(KEY) - 9])
def test_an_end_of_the_key_is_taken_out_when_the_rest_was_cut(size: int) -> None:
    """Pytest shows only the ends of what is long; each may be most of a key."""
    assert "'a...[STRIPE_TEST_KEY]'" == without_key(f"'a...{KEY[-size:]}'", KEY)
    assert "[STRIPE_TEST_KEY]...'" == without_key(f"{KEY[: size + 8]}...'", KEY)
