"""
Where can Stripe Issuing be had without Stripe? Here: stateful, offline, able to misbehave.
"""

from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.errors import SimulatorError
from issuing_disburse.simulator.exchange import Response
from issuing_disburse.simulator.faults import (
    Fault,
    Faults,
    Hang,
    LoseConnection,
    Refuse,
    ServerError,
    Slow,
    Webhook,
    conflict,
    lock_timeout,
    rate_limited,
)
from issuing_disburse.simulator.recorded import RecordedRequest
from issuing_disburse.simulator.simulator import IssuingSimulator

__all__ = [
    "Behaviour",
    "Fault",
    "Faults",
    "Hang",
    "IssuingSimulator",
    "LoseConnection",
    "RecordedRequest",
    "Refuse",
    "Response",
    "ServerError",
    "SimulatorError",
    "Slow",
    "Webhook",
    "conflict",
    "lock_timeout",
    "rate_limited",
]
