"""
Do the books hold when several threads use one simulator, and its handlers call back?
"""

from concurrent.futures import ThreadPoolExecutor


def test_parallel_purchases_never_spend_more_than_there_is(make_bench):
    """Eight threads on one balance: what is approved fits, with questions open in between."""
    bench = make_bench(issuing_funds=50_000)
    cards = [bench.card(uses=1).id for _ in range(8)]
    receiver = bench.receiver()
    receiver.before_reply = lambda _event: bench.sim.issuing_balance(bench.account)

    with ThreadPoolExecutor(8) as pool:
        bought = list(pool.map(lambda card: bench.sim.authorize(card, 10_000), cards))
    approved = [each for each in bought if each["approved"]]
    reasons = {each["request_history"][0]["reason"] for each in bought}

    assert 5 == len(approved)
    assert {"webhook_approved", "insufficient_funds"} == reasons
    assert (0, 50_000) == (bench.sim.issuing_balance(bench.account), bench.sim.held(bench.account))
    assert 0 == bench.issuing_sum()


def test_one_key_in_many_threads_makes_one_object(make_bench):
    """The same request from eight threads is carried out once; the rest replay it or conflict."""
    bench = make_bench()
    body = f"amount=100&currency=usd&destination={bench.account}".encode()

    def send(_: int) -> int:
        answer = bench.raw("POST", "/v1/transfers", body, account=None, Idempotency_Key="k")
        return int(answer.status)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(24)))

    assert {200} <= set(statuses) <= {200, 409}
    assert 1 == len(bench.sim.objects("transfer"))
