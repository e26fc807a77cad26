"""
Are card secrets silent, readable once, and gone afterwards?
"""

import asyncio
import copy
import dataclasses
import json
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
import orjson
import pytest

from issuing_disburse import InvalidInputError
from issuing_disburse.exceptions import SinkError
from issuing_disburse.hidden import Sealed
from issuing_disburse.pci import CallbackSink, CardSecrets, OpenedSecrets, PCIScope

NUMBER, CVC = "4000009997654321", "846"  # in no docstring, which `dir` finds, too
SCOPE = PCIScope(owner="card-vault", environment="pci-test")


def make_secrets() -> CardSecrets:
    """
    Make secrets as a sink gets them.
    """
    return SCOPE.opened(Sealed(NUMBER, CVC))


def both() -> tuple[CardSecrets, OpenedSecrets]:
    """
    Return secrets while they are open, in both forms.
    """
    secrets = make_secrets()
    return secrets, secrets.open().__enter__()


def test_secrets_are_read_in_a_block_once() -> None:
    """Inside the block both can be read, as often as needed; a second block is refused."""
    secrets = make_secrets()
    with secrets.open() as opened:
        assert (NUMBER, CVC, NUMBER) == (opened.number, opened.cvc, opened.number)
        assert secrets.is_open

    assert not secrets.is_open
    with pytest.raises(SinkError, match="once"), secrets.open():
        pass
    for read in (lambda: opened.number, lambda: opened.cvc):
        with pytest.raises(SinkError, match="inside their 'with' block"):
            read()


def test_secrets_are_wiped_when_the_block_ends_badly() -> None:
    """An exception in the block wipes, too; and what was never opened is closed with the sink."""
    secrets = make_secrets()
    with pytest.raises(KeyboardInterrupt), secrets.open() as opened:
        raise KeyboardInterrupt
    other = make_secrets()
    other.close()
    other.close()

    assert not opened.is_open
    with pytest.raises(SinkError, match="while the sink runs"), other.open():
        pass


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "show",
    [
        repr, str, format, ascii, lambda one: f"{one=}", lambda one: f"{one:>40}", lambda one: [one],
        lambda one: "%s %r" % (one, one),  # noqa: UP031  # a way of printing
        lambda one: orjson.dumps(one, default=str), lambda one: json.dumps(one, default=repr),
        lambda one: sorted(name for name in dir(one) if not name.startswith("__")),
        cattrs.unstructure,
    ],
)  # fmt: skip
def test_secrets_show_nothing_when_printed(which: int, show: Callable[[object], object]) -> None:
    """Not even while they are open does any way of printing show a digit."""
    shown = repr(show(both()[which]))

    assert NUMBER not in shown
    assert CVC not in shown


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "take",
    [
        hash, copy.copy, copy.deepcopy, pickle.dumps, json.dumps, orjson.dumps, vars, iter, list, dict,
        dataclasses.asdict, weakref.ref, lambda one: one == one, lambda one: one != 1,  # noqa: PLR0124  # that
        lambda one: one == 1, lambda one: {one}, lambda one: one.__getstate__(),
        lambda one: type("Loud", (type(one),), {}), attrs.asdict,
        lambda one: setattr(one, "extra", 1), len, lambda one: one[0],
    ],
)  # fmt: skip
def test_secrets_refuse_when_they_are_taken_away(which: int, take: Callable[[Any], object]) -> None:
    """Comparison, hash, copy, pickle, JSON, iteration, subclass: each is refused, without a digit."""
    with pytest.raises(
        (TypeError, AttributeError, attrs.exceptions.NotAnAttrsClassError)
    ) as caught:
        take(both()[which])

    assert NUMBER not in repr(caught.value)
    assert CVC not in repr(caught.value)


def test_secrets_show_no_digits_to_whoever_walks_through_unopened_ones() -> None:
    """Slots, attributes and everything that can be reached from them are masked."""
    seen: set[int] = set()
    waiting: list[Any] = [make_secrets()]
    texts: list[str] = []
    while waiting and len(texts) < 5_000:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        texts.append(repr(one))
        if type(one).__module__.startswith("issuing_disburse"):
            names = [*dir(one), *getattr(type(one), "__slots__", ())]
            for name in names:
                try:
                    waiting.append(getattr(one, name))
                except (AttributeError, SinkError):
                    continue

    assert len(texts) > 50
    for text in texts:
        assert NUMBER not in text
        assert f"b'{CVC}'" not in text


def test_secrets_are_opened_by_one_of_many_threads() -> None:
    """Whoever comes first has them; the others are refused."""
    secrets = make_secrets()
    gate, got = threading.Barrier(8), []

    def grab() -> None:
        gate.wait()
        try:
            secrets.open().__enter__()
            got.append(1)
        except SinkError:
            got.append(0)

    threads = [threading.Thread(target=grab) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert 8 == len(got)
    assert 1 == sum(got)


def test_secrets_do_not_survive_in_a_task_or_generator() -> None:
    """What is put off until after the sink has returned finds nothing."""
    secrets = make_secrets()

    def generate() -> Any:
        with secrets.open() as opened:
            yield opened.number

    async def put_off() -> str:
        with secrets.open() as opened:
            return opened.number

    waiting = generate()
    task = put_off()
    secrets.close()

    with pytest.raises(SinkError):
        next(waiting)
    with pytest.raises(SinkError):
        asyncio.run(task)


@pytest.mark.parametrize("field", ["owner", "environment"])
@pytest.mark.parametrize("value", ["", " ", "a\nb", None, 7, "x" * 101, NUMBER, "Zoë"])
def test_a_scope_says_in_words_who_answers(field: str, value: Any) -> None:
    """Without an owner and an environment there is no scope, and no number stands in one."""
    words: dict[str, Any] = {"owner": "card-vault", "environment": "pci-test", field: value}
    with pytest.raises(InvalidInputError, match=f"scope.{field}"):
        PCIScope(**words)


def test_a_callback_needs_a_function_and_a_scope() -> None:
    """What is no sink is refused when it is made, and its repr shows no function."""
    with pytest.raises(InvalidInputError, match=r"sink\.callback"):
        CallbackSink("vault", scope=SCOPE)  # type: ignore[arg-type]  # that is what is refused
    with pytest.raises(InvalidInputError, match=r"sink\.scope"):
        CallbackSink(print, scope="card-vault")  # type: ignore[arg-type]  # likewise

    sink = CallbackSink(lambda secrets, *, card, order_id: card.id, scope=SCOPE, name="ours")
    assert "lambda" not in repr(sink)


def test_the_package_is_imported_by_name_only() -> None:
    """Neither the facade nor a whole disbursement brings in what may touch a number."""
    program = (
        "import sys, issuing_disburse\n"
        "from issuing_disburse import Disburser, deliveries, elements, card_steps\n"
        "import issuing_disburse.stripe_api, issuing_disburse.sealing\n"
        "print([name for name in sys.modules if name.startswith('issuing_disburse.pci')])"
    )
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert "[]" == answer.stdout.strip()
