"""
Is a live key refused before anything is sent, however it is handed over?
"""

import base64
from pathlib import Path

import pytest

from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.testing.cassettes import CassetteError, recorded
from issuing_disburse.testing.cassettes.tape import load

KEY = "sk_" + "live_" + "1" * 24
PACKED = base64.b64encode(f"{KEY}:".encode()).decode()


@pytest.mark.parametrize(
    ("user", "headers"),
    [("", {"authorization": f"Basic {PACKED}"}), (f"{KEY}:@", {}), (f"{KEY.replace('_', '%5F')}@", {})],
)  # fmt: skip
def test_nothing_is_sent_when_a_live_key_is_the_name_of_a_user(
    user: str, headers: dict[str, str], tmp_path: Path
) -> None:
    """HTTP has other ways to say who asks than a bearer's key: base64, and the address itself."""
    path = tmp_path / "live.yaml"
    inner = IssuingSimulator(seed=7).http_client()
    with recorded(path, mode="record", http_client=inner) as tape:
        get = tape.http_client.request
        with pytest.raises(CassetteError, match="a live key is never recorded"):
            get("get", f"https://{user}api.stripe.com/v1/balance", headers)

    assert [] == load(path).exchanges
