"""
What do the simulator's own verbs have in common?
"""

from collections.abc import Mapping
from typing import Any

from orjson import loads

from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.delivery import Postman
from issuing_disburse.simulator.engine import Engine
from issuing_disburse.simulator.errors import ApiError, SimulatorError
from issuing_disburse.simulator.form import decode, encode
from issuing_disburse.simulator.world import Call, World


class Room:
    """
    Hold what all verbs of the simulator stand on.
    """

    _world: World
    _engine: Engine
    _postman: Postman
    _platform: Account

    def _call(self, account: str | None) -> Call:
        found = self._world.by_id.get(account or self._platform.id)
        if not isinstance(found, Account):
            message = f"There is no account {account!r} in this simulator."
            raise SimulatorError(message)
        return Call(world=self._world, account=found, ask=self._postman.ask)

    def _post(self, owner: str, path: str, params: Mapping[str, object]) -> Any:
        """
        Do what a test helper endpoint does, without being a request.
        """
        call = self._call(owner)
        try:
            endpoint, call.names = self._engine.router.find("POST", path)
            call.params = endpoint.params.read(decode(encode(params)), "") or {}
            body = self._engine.execute(endpoint, call)
        except ApiError as error:
            raise SimulatorError(error.message, code=error.code, param=error.param) from error
        finally:
            self._postman.deliver(call.outbox)
        return loads(body)

    def _owner_of(self, name: str) -> str:
        if not isinstance(name, str):
            message = (
                f"An id is text, such as 'ic_...'; {type(name).__name__} is none. Pass its id."
            )
            raise SimulatorError(message, code="parameter_invalid")
        found = self._world.by_id.get(name)
        if found is None:
            message = f"There is no object {name!r} in this simulator."
            raise SimulatorError(message, code="resource_missing")
        return found.account
