"""
What does a merchant tell about a purchase beyond its sum?
"""

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from issuing_disburse.simulator.errors import ApiError, parameter_empty
from issuing_disburse.simulator.form import Tree
from issuing_disburse.simulator.schema import (
    Amount,
    Boolean,
    Choice,
    Hash,
    Integer,
    Node,
    Sequence,
    Text,
)

_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?\Z")


@frozen
class Decimal:
    """
    A decimal number; Stripe takes and shows it as text.
    """

    required: bool = False

    def read(self, value: Tree, name: str) -> str:
        if value == "":
            raise parameter_empty(name)
        if type(value) is not str or not _DECIMAL.match(value):
            shown = value[:40] if type(value) is str else "a hash or a list"
            raise ApiError(f"Invalid decimal: {shown}", param=name)
        return value


FLEET = Hash(
    {
        "cardholder_prompt_data": Hash(
            {
                "driver_id": Text(),
                "odometer": Integer(least=0),
                "unspecified_id": Text(),
                "user_id": Text(),
                "vehicle_number": Text(),
            }
        ),
        "purchase_type": Choice(
            {"fuel_and_non_fuel_purchase", "fuel_purchase", "non_fuel_purchase"}
        ),
        "reported_breakdown": Hash(
            {
                "fuel": Hash({"gross_amount_decimal": Decimal()}),
                "non_fuel": Hash({"gross_amount_decimal": Decimal()}),
                "tax": Hash(
                    {"local_amount_decimal": Decimal(), "national_amount_decimal": Decimal()}
                ),
            }
        ),
        "service_type": Choice({"full_service", "non_fuel_transaction", "self_service"}),
    }
)
FUEL = Hash(
    {
        "industry_product_code": Text(),
        "quantity_decimal": Decimal(),
        "type": Choice({"diesel", "other", "unleaded_plus", "unleaded_regular", "unleaded_super"}),
        "unit": Choice(
            {
                "charging_minute",
                "imperial_gallon",
                "kilogram",
                "kilowatt_hour",
                "liter",
                "other",
                "pound",
                "us_gallon",
            }
        ),
        "unit_cost_decimal": Decimal(),
    }
)
_SEGMENT = Hash(
    {
        "arrival_airport_code": Text(longest=3),
        "carrier": Text(),
        "departure_airport_code": Text(longest=3),
        "flight_number": Text(),
        "service_class": Text(),
        "stopover_allowed": Boolean(),
    }
)
_FLIGHT = Hash(
    {
        "departure_at": Integer(least=0),
        "passenger_name": Text(),
        "refundable": Boolean(),
        "segments": Sequence(_SEGMENT),
        "travel_agency": Text(),
    }
)
_RECEIPT = Hash(
    {
        "description": Text(longest=26),
        "quantity": Decimal(),
        "total": Amount(least=0),
        "unit_cost": Amount(least=0),
    }
)
PURCHASE_DETAILS = Hash(
    {
        "fleet": FLEET,
        "flight": _FLIGHT,
        "fuel": FUEL,
        "lodging": Hash({"check_in_at": Integer(least=0), "nights": Integer(least=0)}),
        "receipt": Sequence(_RECEIPT),
        "reference": Text(),
    }
)
_PROMPTS = "cardholder_prompt_data"


def completed(node: Node, value: Any) -> Any:
    """
    Return *value* with every key that *node* declares, the way Stripe shows what was not sent.
    """
    if value is None:
        return None
    if isinstance(node, Hash):
        return {name: completed(inner, value.get(name)) for name, inner in node.fields.items()}
    if isinstance(node, Sequence):
        return [completed(node.item, each) for each in value]
    return value


def fleet_wire(asked: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """
    Return fleet data as Stripe shows it, with the prompt that it has deprecated.
    """
    wire: dict[str, Any] | None = completed(FLEET, asked)
    if wire is not None and wire[_PROMPTS] is not None:
        wire[_PROMPTS] = {"alphanumeric_id": None, **wire[_PROMPTS]}
    return wire


def fuel_wire(asked: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """
    Return what was said about fuel as Stripe shows it.
    """
    wire: dict[str, Any] | None = completed(FUEL, asked)
    return wire


def details_wire(asked: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """
    Return purchase details as Stripe shows them.
    """
    wire: dict[str, Any] | None = completed(PURCHASE_DETAILS, asked)
    if wire is not None:
        wire["fleet"] = fleet_wire((asked or {}).get("fleet"))
        for line in wire["receipt"] or ():  # Quantities are numbers here, unlike other decimals.
            line["quantity"] = None if line["quantity"] is None else float(line["quantity"])
    return wire
