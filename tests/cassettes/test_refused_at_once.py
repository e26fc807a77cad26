"""
Is what must not be recorded refused before anything is sent: a live key, a name that is another's?
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


def test_a_cassette_is_refused_when_it_has_the_name_of_anothers_deliveries(tmp_path: Path) -> None:
    """Recording the other one would remove it, or be read as what came in."""
    with (
        pytest.raises(CassetteError, match="take another name"),
        recorded(tmp_path / "pay.deliveries.yaml", mode="record"),
    ):
        pass

    assert [] == list(tmp_path.iterdir())
