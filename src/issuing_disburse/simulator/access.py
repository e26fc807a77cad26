"""
Who is asking, for whom, and may they?
"""

from base64 import b64decode
from binascii import Error as Base64Error

from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.exchange import Request
from issuing_disburse.simulator.world import Key, World

LARGEST_BODY = 1_000_000
_FORM = "application/x-www-form-urlencoded"


def authenticate(world: World, request: Request) -> Key:
    """
    Return the key a request was made with; bearer, or basic as curl sends it.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    secret = credentials.strip()
    if scheme.lower() == "basic":
        try:
            secret = b64decode(secret, validate=True).decode().partition(":")[0]
        except (Base64Error, UnicodeDecodeError, ValueError):
            secret = ""
    elif scheme.lower() != "bearer":
        secret = ""
    if not secret:
        raise ApiError(
            "You did not provide an API key. You need to provide your API key in the"
            " Authorization header, using Bearer auth (e.g. 'Authorization: Bearer"
            " YOUR_SECRET_KEY').",
            status=401,
        )
    key = world.keys.get(secret)
    if key is None:
        shown = f"{secret[:8]}{'*' * 12}{secret[-4:]}" if len(secret) > 16 else "*" * 12  # noqa: PLR2004 - too short to show a part
        raise ApiError(f"Invalid API Key provided: {shown}", status=401)
    return key


def choose_account(world: World, request: Request, key: Key) -> None:
    """
    Find out on whose behalf a request is made.
    """
    own = world.get(Account, key.account)
    request.account = own
    name = request.headers.get("stripe-account")
    if name is None or name == own.id:
        return
    found = world.by_id.get(name)
    if not isinstance(found, Account) or found.account != own.id:
        raise ApiError(
            f"The provided key does not have access to account '{name[:60]}' (or that account"
            " does not exist). Application access may have been revoked.",
            status=403,
            code="account_invalid",
        )
    request.account = found


def check_key(world: World, key: Key, request: Request, names: tuple[str, ...]) -> None:
    """
    Refuse what a restricted key may not do, and everything to a live key: there is only test.
    """
    if key.livemode:
        for name in names:
            if name in world.by_id:
                raise ApiError(
                    f"No such object: '{name}'; a similar object exists in test mode, but a"
                    " live mode key was used to make this request.",
                    status=404,
                    code="resource_missing",
                    param="id",
                )
        raise ApiError("This simulator has test mode only; a live mode key was used.", status=403)
    if key.allowed is not None and not any(
        request.method == method and (request.path + "/").startswith(prefix.rstrip("/") + "/")
        for method, prefix in key.allowed
    ):
        raise ApiError(
            f"The provided key '{key.secret[:8]}{'*' * 12}' does not have the required"
            f" permissions for this endpoint on account '{request.account.id}'.",
            status=403,
            code="more_permissions_required_for_application",
        )


def check_body(request: Request) -> None:
    """
    Refuse a body that is too large or no form.
    """
    if len(request.body) > LARGEST_BODY:
        raise ApiError(f"Request body is larger than {LARGEST_BODY} bytes.", status=413)
    if not request.body:
        return
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if kind != _FORM:
        raise ApiError(
            f"Invalid request (unsupported content type {kind[:60]}): only {_FORM} is accepted."
        )
