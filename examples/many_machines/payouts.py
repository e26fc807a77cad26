"""
What does every worker of a payout run need, whatever engine gives it its work?

Machines share one PostgreSQL and nothing else. Queues carry order ids only, so that people's data stays where it is.
"""

import os
from pathlib import Path

from issuing_disburse import Disburser
from issuing_disburse.orders_file import stream_orders

disburser = Disburser.connect(
    api_key=os.environ["STRIPE_API_KEY"],
    account=os.environ["STRIPE_ACCOUNT"],
    webhook_secret=os.environ["STRIPE_WEBHOOK_SECRET"],
    store=os.environ["ISSUING_DISBURSE_STORE"],  # postgresql://…, the same for all
    api_base=os.environ.get("STRIPE_API_BASE"),  # Stripe's own if not set
    lease_seconds=float(os.environ.get("LEASE_SECONDS", "120")),
)

# In an application this is a table of yours.
orders = {order.id: order for order in stream_orders(Path(os.environ["PAYOUT_LIST"]))}

WAIT_SECONDS = float(os.environ.get("WAIT_SECONDS", "60"))
"""How long an order is left alone that waits: for Stripe, for money, or for a dead worker's lease to run out."""
