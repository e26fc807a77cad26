"""
How fast is the simulator: in process, among a hundred thousand objects, over HTTP, starting up?

Prints one JSON object. Figures are medians by the clock on the wall; ``cpu`` says the same by
processor time, which a busy machine disturbs less. ``localstripe`` is installed into a virtual
environment of its own and measured with the same client on the same machine. The whole takes about
two minutes; with ``--quick`` half a minute, with fewer objects and without ``localstripe``.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

from attrs import frozen
from simulator_servers import localstripe, served

from issuing_disburse.simulator import IssuingSimulator


@frozen
class Size:
    """
    Say how much is measured.
    """

    rounds: int = 5
    operations: int = 400
    objects: int = 100_000
    http_requests: int = 2_000
    compares: bool = True


QUICK = Size(rounds=3, operations=200, objects=20_000, http_requests=500, compares=False)
FORM = "application/x-www-form-urlencoded"
HOLDER = (
    b"name=Jenny+Rosen&email=jenny%40example.com&phone_number=%2B18008675309&type=individual"
    b"&individual[first_name]=Jenny&individual[last_name]=Rosen&individual[dob][day]=14"
    b"&individual[dob][month]=3&individual[dob][year]=1985"
    b"&individual[card_issuing][user_terms_acceptance][date]=1790000000"
    b"&individual[card_issuing][user_terms_acceptance][ip]=203.0.113.7"
    b"&billing[address][line1]=123+Main+St&billing[address][city]=Columbus"
    b"&billing[address][state]=OH&billing[address][postal_code]=43004"
    b"&billing[address][country]=US"
)


class Load:
    """
    One simulator and the bytes of the writes that a disbursement is made of.
    """

    def __init__(self) -> None:
        self.sim = IssuingSimulator(seed=1, platform_funds=10**12)
        self.account = self.sim.create_account(issuing_funds=10**12)
        self.number = 0

    def post(self, path: str, body: bytes, *, own: bool = True) -> bytes:
        """
        Send one request's bytes and return the answer's.
        """
        self.number += 1
        headers = {
            "Authorization": f"Bearer {self.sim.api_key}",
            "Content-Type": FORM,
            "Idempotency-Key": f"key-{self.number}",
            "Stripe-Version": "2026-10-28.endive",
            "User-Agent": "Stripe/v1 PythonBindings/16.1.0",
        }
        if own:
            headers["Stripe-Account"] = self.account
        answer = self.sim.handle("POST", path, headers, body)
        assert answer.status == 200, answer.body
        return answer.body

    def round(self, operations: int) -> dict[str, float]:
        """
        Return writes per second of each kind, *operations* of each.
        """
        rates: dict[str, float] = {}
        busy: list[float] = []

        def timed(name: str, send: Callable[[int], bytes]) -> list[str]:
            began, worked = time.perf_counter(), time.process_time()
            answers = [send(place) for place in range(operations)]
            rates[name] = operations / (time.perf_counter() - began)
            busy.append(time.process_time() - worked)
            return [json.loads(answer)["id"] for answer in answers]

        holders = timed("cardholder", lambda _: self.post("/v1/issuing/cardholders", HOLDER))
        cards = timed(
            "card",
            lambda place: self.post(
                "/v1/issuing/cards",
                f"cardholder={holders[place]}&currency=usd&type=virtual&status=active"
                "&lifecycle_controls[cancel_after][payment_count]=1"
                "&spending_controls[spending_limits][0][amount]=12500"
                "&spending_controls[spending_limits][0][interval]=all_time"
                "&metadata[order]=claim-8841".encode(),
            ),
        )
        helpers = "/v1/test_helpers/issuing/authorizations"
        bought = timed(
            "authorization",
            lambda place: self.post(helpers, f"card={cards[place]}&amount=12500".encode()),
        )
        timed("capture", lambda place: self.post(f"{helpers}/{bought[place]}/capture", b""))
        timed(
            "transfer",
            lambda place: self.post(
                "/v1/transfers",
                f"amount=100&currency=usd&destination={self.account}&transfer_group=g{place}".encode(),
                own=False,
            ),
        )
        rates["all"] = len(rates) / sum(1 / rate for rate in rates.values())
        rates["all_per_cpu_second"] = len(busy) * operations / sum(busy)
        return rates

    def objects(self) -> int:
        """
        Return how many objects there are.
        """
        return len(self.sim.world.by_id)


def _medians(rounds: list[dict[str, float]]) -> dict[str, int]:
    return {name: round(statistics.median(each[name] for each in rounds)) for name in rounds[0]}


def in_process(size: Size) -> dict[str, object]:
    """
    Measure writes with few objects and with many, a hundred thousand unless it must be quick.

    Each lives in a process of its own, so that neither shares the other's memory, and their
    rounds take turns, so that a machine that slows down slows both.
    """
    with _worker(0, size.operations) as few, _worker(size.objects, size.operations) as many:
        found: dict[str, list[dict[str, float]]] = {"few": [], "many": []}
        for _ in range(size.rounds):
            found["few"].append(few())
            found["many"].append(many())
        objects = round(found["many"][0]["objects"])
    first, later = _medians(found["few"]), _medians(found["many"])
    return {
        "writes_per_second": first,
        "objects": objects,
        "writes_per_second_with_many_objects": later,
        "ratio": round(later["all"] / first["all"], 3),
        "ratio_of_cpu": round(later["all_per_cpu_second"] / first["all_per_cpu_second"], 3),
    }


@contextmanager
def _worker(objects: int, operations: int) -> Iterator[Callable[[], dict[str, float]]]:
    """
    Yield what makes a process of its own measure one round; no *objects* means few.
    """
    command = [sys.executable, __file__, "--worker", str(objects), str(operations)]
    worker = subprocess.Popen(  # noqa: S603 - this file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    stdin, stdout = worker.stdin, worker.stdout

    def round_() -> dict[str, float]:
        stdin.write("round\n")
        stdin.flush()
        found: dict[str, float] = json.loads(stdout.readline())
        return found

    try:
        yield round_
    finally:
        stdin.close()
        worker.wait(60)
        stdout.close()


def work(most: int, operations: int) -> None:
    """
    Be the worker: one round for each line that comes in.
    """
    load = Load()
    load.round(100)
    while load.objects() < most:
        load.round(1_000)
    for _ in sys.stdin:
        if not most:
            load = Load()
            load.round(100)
        objects = load.objects()
        print(json.dumps({**load.round(operations), "objects": objects}), flush=True)


def start_up(size: Size) -> dict[str, float]:
    """
    Measure import and construction in fresh processes, in milliseconds.
    """
    code = (
        "import time; a=time.perf_counter(); import issuing_disburse; b=time.perf_counter();"
        "from issuing_disburse.simulator import IssuingSimulator; c=time.perf_counter();"
        "IssuingSimulator(); print(b-a, c-b, time.perf_counter()-c)"
    )
    found = []
    for _ in range(size.rounds):
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # noqa: S603 - our own code
        found.append([1_000 * float(part) for part in told.stdout.split()])
    names = ("import_library_ms", "import_simulator_ms", "construct_ms")
    return {
        name: round(statistics.median(each[place] for each in found), 2)
        for place, name in enumerate(names)
    }


def _latencies(
    connection: HTTPConnection, send: tuple[str, str, bytes, dict[str, str]], requests: int
) -> dict[str, float]:
    method, path, body, headers = send
    times = []
    for place in range(requests + 100):
        began = time.perf_counter()
        connection.request(method, path, body, {**headers, "Idempotency-Key": f"k{place}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        times.append(time.perf_counter() - began)
    times = times[100:]
    return {
        "per_second": round(len(times) / sum(times)),
        "p50_ms": round(1_000 * statistics.median(times), 3),
    }


def over_http(size: Size) -> dict[str, object]:
    """
    Measure one client on one connection that creates objects: ours, then localstripe's.
    """
    with served() as (facts, processor_seconds):
        host, key, account = facts
        connection = HTTPConnection(host)
        headers = {
            "Authorization": f"Bearer {key}",
            "Stripe-Account": account,
            "Content-Type": FORM,
        }
        before = processor_seconds()
        ours = _latencies(
            connection, ("POST", "/v1/issuing/cardholders", HOLDER, headers), size.http_requests
        )
        busy = processor_seconds() - before
        ours["server_cpu_ms"] = round(1_000 * busy / (size.http_requests + 100), 3)
        connection.close()
    result: dict[str, object] = {"simulator": ours}
    if not size.compares:
        return {**result, "localstripe": "left out"}
    try:
        with localstripe() as port:
            connection = HTTPConnection("127.0.0.1", port)
            theirs = _latencies(
                connection,
                (
                    "POST",
                    "/v1/customers",
                    b"email=jenny%40example.com&name=Jenny+Rosen",
                    {"Authorization": "Bearer sk_test_12345", "Content-Type": FORM},
                ),
                size.http_requests,
            )
            connection.close()
    except (OSError, subprocess.SubprocessError) as problem:
        return {**result, "localstripe": f"not measured: {type(problem).__name__}"}
    ratio = round(ours["per_second"] / theirs["per_second"], 2)
    return {**result, "localstripe_create_customer": theirs, "ratio": ratio}


def main() -> None:
    """
    Measure everything and print one JSON object.
    """
    size = QUICK if "--quick" in sys.argv[1:] else Size()
    found = {
        "start_up": start_up(size),
        "in_process": in_process(size),
        "over_http": over_http(size),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
