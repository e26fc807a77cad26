"""
How does a refusal look on Stripe's wire?
"""

from attrs import define, field

from issuing_disburse.simulator.encoding import to_json


class SimulatorError(Exception):
    """
    Tell a test that one of the simulator's own verbs was refused, in Stripe's words.
    """

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


@define(eq=False)
class ApiError(Exception):
    """
    Carry one Stripe-shaped error from wherever it is noticed to the answer.
    """

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(factory=dict)

    @property
    def is_validation(self) -> bool:
        """
        Say whether a parameter was refused, so that the endpoint had not begun.
        """
        return self.code is not None and self.code.startswith("parameter")

    def body(self, request_id: str) -> bytes:
        """
        Return the JSON body, with the keys in Stripe's alphabetical order.
        """
        error: dict[str, str] = {}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = "https://stripe.com/docs/error-codes/" + self.code.replace("_", "-")
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        error["type"] = self.type
        return to_json({"error": error})


def parameter_unknown(param: str) -> ApiError:
    """
    Refuse a parameter the endpoint does not know.
    """
    return ApiError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def parameter_missing(param: str) -> ApiError:
    """
    Refuse a request that leaves out a required parameter.
    """
    return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def parameter_empty(param: str) -> ApiError:
    """
    Refuse an empty string where nothing can be unset.
    """
    return ApiError(
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset"
        f" a parameter; however '{param}' cannot be unset. You should remove '{param}' from your"
        " request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=param,
    )


def parameters_exclusive(first: str, second: str) -> ApiError:
    """
    Refuse two parameters that exclude each other.
    """
    return ApiError(
        f"You may only specify one of these parameters: {first}, {second}.",
        code="parameters_exclusive",
        param=first,
    )


def no_such(noun: str, name: str, *, param: str = "id", status: int = 404) -> ApiError:
    """
    Say that there is no object of that kind here; 404 for the URL, 400 for a parameter.
    """
    return ApiError(
        f"No such {noun}: '{name[:255]}'", status=status, code="resource_missing", param=param
    )


def balance_too_low(message: str) -> ApiError:
    """
    Refuse to move more than there is.
    """
    return ApiError(message, code="balance_insufficient")
