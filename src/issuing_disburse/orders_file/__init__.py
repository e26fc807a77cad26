"""
Which orders does a payout list hold, and what must be corrected in it first?

.. code-block:: text

    column             needed                   what it holds
    id                 always                   your order id, unique in the file
    type               always                   individual or company
    first_name         individual
    last_name          individual
    company_name       company                  as printed on the card, at most 24 letters
    name_on_card       no                       individual: when first and last name exceed 24 letters
    reference          no                       yours for the recipient; the same is one cardholder
    email              no
    phone_number       EEA and UK               '+' and digits
    date_of_birth      no                       individual: 1985-03-14
    tax_id             no                       company
    terms_accepted_at  individual in the US     2026-11-01T12:00:00Z, with a time zone
    terms_ip           individual in the US     from where the terms were accepted
    line1              always                   of the billing address
    line2              no
    city               always
    state              no
    postal_code        always
    country            always                   two letters: US
    amount             always                   in major units, exactly: 125.00
    currency           always                   usd, eur or gbp
    valid_days         no                       whole days the card may be used; 30
    amount_rule        no                       exact or up_to; exact

The file is UTF-8 (a byte order mark is fine). CSV is comma-separated, with one header row in any order. A file named
``.jsonl`` or ``.ndjson`` has one flat JSON object a line instead, with the columns for keys, everything in quotes but
``valid_days``. Empty lines are passed over. No other column is taken: a misspelt name would be lost in silence.
"""

from .columns import COLUMNS, NEEDED
from .listed import OrdersList, Totals, open_orders, read_orders, stream_orders, stream_rows
from .problems import PROBLEMS_MAX, OrdersFileError, Problem

__all__ = [
    "COLUMNS",
    "NEEDED",
    "PROBLEMS_MAX",
    "OrdersFileError",
    "OrdersList",
    "Problem",
    "Totals",
    "open_orders",
    "read_orders",
    "stream_orders",
    "stream_rows",
]
