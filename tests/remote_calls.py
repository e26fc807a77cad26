"""
Who keeps keys like Stripe, fails as it is told, and counts what really happened?
"""

from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from issuing_disburse.exceptions import DisburseError, RefusedError, UnknownOutcomeError
from issuing_disburse.journal import StepJournal
from issuing_disburse.ports import Outcome
from issuing_disburse.records import StepRecord
from issuing_disburse.stores.memory import MemoryStore

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
SCOPE = "order/acct_1/claim-8841/1"


@define
class Clock:
    """
    A clock that goes when it is told to.
    """

    now: datetime = START

    def __call__(self) -> datetime:
        """
        Return the time.
        """
        return self.now


@define
class Remote:
    """
    A service that remembers keys as Stripe does, and answers as it is told.

    Attributes:
        effects: The body of each effect that really happened.
        answers: What to raise for the next calls; ``None`` works, ``"lost"`` works and says nothing.
        asked: Every key and body that came in.
    """

    effects: list[str] = field(factory=list)
    answers: list[DisburseError | str | None] = field(factory=list)
    known: dict[str, Outcome | DisburseError] = field(factory=dict)
    asked: list[tuple[str, str]] = field(factory=list)
    looks: int = 0

    def ask(self, key: str, body: str) -> Outcome:
        """
        Have the effect once per key, or answer as before.
        """
        self.asked.append((key, body))
        if key in self.known:
            return self._again(self.known[key])
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, DisburseError):
            if isinstance(answer, RefusedError) or getattr(answer, "is_recorded", False):
                self.known[key] = answer
            raise answer
        self.effects.append(body)
        outcome: Outcome = {"id": f"ic_{len(self.effects)}", "body": body}
        self.known[key] = outcome
        if answer == "lost":
            raise UnknownOutcomeError("no answer came")
        return outcome

    def _again(self, kept: Outcome | DisburseError) -> Outcome:
        if isinstance(kept, DisburseError):
            raise kept
        return kept

    def look(self) -> Outcome | None:
        """
        Return what happened, as a list page would show it.
        """
        self.looks += 1
        if not self.effects:
            return None
        return {"id": f"ic_{len(self.effects)}", "body": self.effects[-1]}

    def call(self, body: str = "v1") -> "RemoteCall":
        """
        Return a call with that body.
        """
        return RemoteCall(self, body)


@define
class RemoteCall:
    """
    A call whose request can be stored.
    """

    remote: Remote
    body: str

    def __call__(self, key: str) -> Outcome:
        """
        Send it.
        """
        return self.remote.ask(key, self.body)

    @property
    def encoded(self) -> bytes:
        """
        The request, as stored.
        """
        return self.body.encode()

    def as_stored(self, encoded: bytes) -> "RemoteCall":
        """
        Return the call that sends what was stored.
        """
        return RemoteCall(self.remote, encoded.decode())


@define
class Desk:
    """
    One worker's journal, a remote service, and a clock.
    """

    store: MemoryStore
    clock: Clock
    remote: Remote
    journal: StepJournal

    def once(self, body: str = "v1", **options: Any) -> Outcome:
        """
        Have the effect named ``card`` once.
        """
        return self.journal.once("card", self.remote.call(body), self.remote.look, **options)

    def step(self) -> StepRecord:
        """
        Return what is stored of it.
        """
        found = self.store.read(lambda tx: tx.get(StepRecord, f"{SCOPE}#card"))
        assert found is not None
        return found


def make_desk() -> Desk:
    """
    Return a desk where nothing has happened yet.
    """
    clock = Clock()
    store = MemoryStore(clock=clock)
    return Desk(store, clock, Remote(), StepJournal(store=store, clock=clock, scope=SCOPE))


def recorded(error: Any) -> Any:
    """
    Return *error* as Stripe keeps it under the key.
    """
    error.is_recorded = True
    return error


def keys(desk: Desk) -> int:
    """
    Count the different keys that were sent.
    """
    return len({key for key, _ in desk.remote.asked})
