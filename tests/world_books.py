"""
What must hold in a simulated Stripe, whatever has happened?
"""

from collections import defaultdict
from typing import Any

from busy_world import TEST_NUMBERS, BusyWorld

Entries = dict[str | None, list[Any]]
SPENT = "issuing_transaction"


def check(world: BusyWorld) -> None:
    """
    Hold every invariant of the books against the objects.
    """
    by_source: Entries = defaultdict(list)
    for account in world.accounts:
        entries = world.sim.objects("balance_transaction", account)
        _balances(world, account, entries)
        for entry in entries:
            by_source[entry["source"]].append(entry)
    _authorizations(world, by_source)
    _transactions(world, by_source)
    _others(world, by_source)
    _transfers(world)
    _cards(world)
    _events(world)


def _net(entries: list[Any]) -> int:
    return sum(entry["net"] for entry in entries)


def _balances(world: BusyWorld, account: str, entries: list[Any]) -> None:
    """
    An account's balances are the sums of its movements, and nothing is set apart in between.
    """
    sim, currency = world.sim, world.accounts[account]
    for kind, balance in (
        ("issuing", sim.issuing_balance(account, currency)),
        ("payments", sim.payments_balance(account, currency)),
    ):
        assert balance == _net([e for e in entries if e["balance_type"] == kind])
    assert not any(sim.world.by_id[account].reserved.values())  # type: ignore[attr-defined]
    ids = {entry["id"] for entry in entries}
    gone = come = 0
    for each in sim.objects("balance_transfer", account):
        taken, given = (
            each[side][each[side]["type"]]["balance_transaction"]
            for side in ("source_balance", "destination_balance")
        )
        assert taken in ids
        assert given is None or given in ids
        gone += each["amount"]
        come += 0 if given is None else each["amount"]
    moved = _net([e for e in entries if e["type"] == "transfer"])
    assert come - gone == moved <= 0


def _authorizations(world: BusyWorld, by_source: Entries) -> None:
    """
    Holds and releases of each authorization are what it still holds; a decline moves nothing.
    """
    held: dict[str, int] = defaultdict(int)
    for account in world.accounts:
        for each in world.sim.objects("authorization", account):
            still = -_net(each["balance_transactions"])
            held[account] += still
            assert still >= 0, each
            assert each["pending_request"] is None
            assert sorted(e["id"] for e in each["balance_transactions"]) == sorted(
                e["id"] for e in by_source[each["id"]]
            )
            first = each["request_history"][0]
            assert each["approved"] == any(entry["approved"] for entry in each["request_history"])
            taken = -sum(e["amount"] for e in each["transactions"] if e["type"] == "capture")
            refunded = sum(
                max(0, e["amount"]) for e in each["transactions"] if e["type"] == "refund"
            )
            assert refunded <= taken, each
            if each["status"] != "pending":
                assert 0 == still, each
            else:
                assert each["amount"] - taken <= still <= each["amount"], each
            if each["status"] == "reversed":
                assert 0 == each["amount"]
            if not each["approved"]:
                assert [] == each["balance_transactions"]
                assert ("closed", first["amount"]) == (each["status"], each["amount"])
        assert held[account] == world.sim.held(account, world.accounts[account])


def _transactions(world: BusyWorld, by_source: Entries) -> None:
    """
    Each capture and refund moved its amount once, with the sign of its type.
    """
    for each in world.sim.objects("transaction"):
        (entry,) = by_source[each["id"]]
        assert (SPENT, each["amount"], each["balance_transaction"]) == (
            entry["type"],
            entry["net"],
            entry["id"],
        )
        assert each["type"] == "refund" or each["amount"] < 0


def _others(world: BusyWorld, by_source: Entries) -> None:
    """
    Disputes, top-ups and payouts moved what their state says.
    """
    for dispute in world.sim.objects("dispute"):
        expected = dispute["amount"] if dispute["status"] == "won" else 0
        assert expected == _net(by_source[dispute["id"]])
    for topup in world.sim.objects("topup"):
        expected = topup["amount"] if topup["status"] == "succeeded" else 0
        assert expected == _net(by_source[topup["id"]]), topup
    for payout in world.sim.objects("payout"):
        expected = -payout["amount"] if payout["status"] in {"pending", "paid"} else 0
        assert expected == _net(by_source[payout["id"]]), payout


def _transfers(world: BusyWorld) -> None:
    """
    What the platform gives the accounts receive; reversals add up.
    """
    sim = world.sim
    reversed_: dict[str, int] = defaultdict(int)
    for reversal in sim.objects("transfer_reversal"):
        reversed_[reversal["transfer"]] += reversal["amount"]
    for transfer in sim.objects("transfer"):
        assert transfer["amount_reversed"] == reversed_[transfer["id"]] <= transfer["amount"]
        assert transfer["reversed"] == (transfer["amount_reversed"] == transfer["amount"])
    given = _net(
        [
            entry
            for entry in sim.objects("balance_transaction", sim.platform_account)
            if entry["type"] in {"transfer", "transfer_refund"}
        ]
    )
    received = _net(
        [
            entry
            for account in world.accounts
            for entry in sim.objects("balance_transaction", account)
            if entry["type"] in {"payment", "payment_refund"}
        ]
    )
    assert 0 == given + received
    for currency in set(world.accounts.values()):
        assert sim.payments_balance(None, currency) >= 0


def _cards(world: BusyWorld) -> None:
    """
    A canceled card stays canceled, and a card that was used up is canceled.
    """
    cards = {card["id"]: card for card in world.sim.objects("card")}
    dead = {name for name, card in cards.items() if card["status"] == "canceled"}
    assert world.dead <= dead
    world.dead = dead
    uses: dict[str, int] = defaultdict(int)
    for each in world.sim.objects("authorization"):
        first = each["request_history"][0]
        is_taken = any(e["type"] == "capture" for e in each["transactions"])
        uses[each["card"]["id"]] += first["approved"] and (first["amount"] > 100 or is_taken)
        if (
            first["approved"]
            and not cards[each["card"]["id"]]["spending_controls"]["spending_limits"]
        ):
            assert first["amount"] <= 1_000_000
    for transaction in world.sim.objects("transaction"):
        uses[transaction["card"]] += (
            transaction["type"] == "capture" and transaction["authorization"] is None
        )
    for name, card in cards.items():
        lifecycle = card["lifecycle_controls"]
        if lifecycle is not None and uses[name] >= lifecycle["cancel_after"]["payment_count"]:
            assert "canceled" == card["status"], card


def _events(world: BusyWorld) -> None:
    """
    Events are unique and in order, tell of no open question but in ``.request``, and of no number.
    """
    events = world.sim.events()
    fresh = events[world.seen_events :]
    assert len(events) == len({event["id"] for event in events})
    assert [event["created"] for event in fresh] == sorted(event["created"] for event in fresh)
    for event in fresh:
        about = event["data"]["object"]
        if about.get("object") == "issuing.authorization":
            is_question = event["type"] == "issuing_authorization.request"
            assert is_question == (about["pending_request"] is not None), event["type"]
        assert TEST_NUMBERS not in str(event).encode()
    world.seen_events = len(events)


def check_deliveries(world: BusyWorld) -> None:
    """
    After the last retry every event was heard that was not given up.
    """
    for event in world.sim.events()[world.untold :]:
        if event["type"] != "issuing_authorization.request" and event["pending_webhooks"] == 0:
            assert event["id"] in world.heard
