"""
Does whoever talks to Stripe keep the key, card numbers and people to itself?
"""

import copy
import logging
import pickle
import traceback

import pytest

from scripted_client import KEY, Scripted, failing, lost, make_api, ok, prepared, refused


def shown(error: BaseException) -> list[str]:
    """
    Return everything that an error reporter would send: text, attributes, frames with variables.
    """
    texts = []
    seen: list[BaseException] = [error]
    while seen:
        one = seen.pop()
        texts += [repr(one), str(one), repr(vars(one))]
        report = traceback.TracebackException.from_exception(one, capture_locals=True)
        texts += list(report.format())
        seen += [other for other in (one.__cause__, one.__context__) if other is not None]
    return texts


@pytest.mark.parametrize(
    "answer",
    [
        refused(400),
        refused(401),
        refused(500, {"Stripe-Should-Retry": "false"}),
        Scripted(status=200, body=b'{"number": "4242424242424242", "cvc": "123"'),
        lost(),
        Scripted(raises=RuntimeError(f"Authorization: Bearer {KEY}")),
    ],
)
def test_no_secret_and_nobodys_data_is_in_what_is_raised(answer: Scripted) -> None:
    """Neither key, card number nor name is in the error, its pickle, its causes, or our frames."""
    api, _, _ = make_api(answer)
    error = failing(lambda: prepared(api)("idb_1"))
    texts = shown(error)
    pickled = pickle.dumps(error)
    restored = pickle.loads(pickled)  # noqa: S301  # our own bytes
    texts += [repr(copy.copy(error)), repr(pickled), repr(restored), repr(vars(restored))]

    for text in texts:
        assert KEY not in text
        assert "4242424242424242" not in text
        assert "Jenny" not in text


def test_key_and_request_do_not_show_in_reprs_and_the_api_is_not_pickled() -> None:
    """What a log may show of an API or a call holds neither the key nor personal data."""
    api, _, _ = make_api(ok(id="x"))
    call = prepared(api)
    api.get("/v1/balance", account=None)

    for text in (repr(api), repr(call), repr(call.request), repr(vars(api))):
        assert KEY not in text
        assert "Jenny" not in text
    with pytest.raises(TypeError):
        pickle.dumps(api)
    with pytest.raises(TypeError):
        copy.deepcopy(api)


@pytest.mark.pci
def test_card_numbers_are_sealed_before_the_sdk_parses_or_logs_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not even Stripe's own debug log, which prints whole bodies, sees a number or a key."""
    number, cvc = "4000009990000010", "837"
    card = {"id": "ic_1", "object": "issuing.card", "number": number, "cvc": cvc, "last4": "0010"}
    api, _, _ = make_api(ok(**card))
    with caplog.at_level(logging.DEBUG, logger="stripe"):
        answer = api.get("/v1/issuing/cards/ic_1", {"expand": ["number", "cvc"]}, account="acct_1")

    assert ("sealed", "sealed", "0010") == (answer["number"], answer["cvc"], answer["last4"])
    assert caplog.records
    assert number not in caplog.text
    assert KEY not in caplog.text
