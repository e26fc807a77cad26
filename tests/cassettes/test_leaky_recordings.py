"""
Is every recording that leaks refused, and every clean one saved, whoever records?
"""

from pathlib import Path
from typing import Any

import pytest
import urllib3
import vcr
from vcr.request import Request

from issuing_disburse.testing.cassettes import LeakError, recorded, vcr_config
from leaky_recordings import CLEAN, LEAKY, LIVE, NUMBER, SECRETS, SIGNING, Canned, Recording, answer


def kept_by_vcrpy(path: Path, recording: Recording, **more: Any) -> None:
    """
    Record by vcrpy, with our configuration.
    """
    with vcr.VCR(**vcr_config(**more)).use_cassette(str(path)) as cassette:
        cassette.append(Request(**recording.request), recording.response)


def kept_by_us(path: Path, recording: Recording) -> None:
    """
    Record by our own client.
    """
    with recorded(path, mode="record", http_client=Canned(recording)) as tape:
        tape.http_client.request(
            "post", recording.uri, recording.sent_headers, recording.sent or None
        )


def shown(folder: Path) -> bytes:
    """
    Return whatever is in the files of a folder.
    """
    return b"".join(one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file())


KEEPERS = pytest.mark.parametrize("keep", [kept_by_vcrpy, kept_by_us])


# Our own client keeps only the headers of an answer that it knows: nothing else comes near the file.
DROPPED = {name for name in LEAKY if name.endswith("header") and LEAKY[name].headers}


@pytest.mark.parametrize(
    ("keep", "name"),
    [(keep, name) for name in LEAKY for keep in (kept_by_vcrpy, kept_by_us)
     if keep is kept_by_vcrpy or name not in DROPPED],
)  # fmt: skip
def test_a_recording_is_refused_when_it_leaks(keep: Any, name: str, tmp_path: Path) -> None:
    """No file is written, and the error names the place and never the value."""
    with pytest.raises(LeakError, match=r"(request|answer) of interaction 0") as caught:
        keep(tmp_path / "leaky.yaml", LEAKY[name])

    assert [] == list(tmp_path.iterdir())
    assert [] == [one for one in SECRETS if one in str(caught.value)]


@pytest.mark.parametrize("name", sorted(DROPPED))
def test_a_header_is_not_kept_when_nobody_reads_it(name: str, tmp_path: Path) -> None:
    """What stands in a header that the library does not know is dropped, the header's name with it."""
    kept_by_us(tmp_path / "leaky.yaml", LEAKY[name])

    assert [] == [one for one in SECRETS if one.encode() in shown(tmp_path)]


@KEEPERS
@pytest.mark.parametrize("name", CLEAN)
def test_a_recording_is_saved_when_it_is_clean(keep: Any, name: str, tmp_path: Path) -> None:
    """A file is written, without any secret, and recording what it holds changes nothing."""
    keep(tmp_path / "clean.yaml", CLEAN[name])

    assert (tmp_path / "clean.yaml").is_file()
    assert [] == [
        one
        for one in SECRETS
        if one.encode()
        in shown(tmp_path)
        .replace(b"ic_" + NUMBER.encode(), b"")
        .replace(b"0." + NUMBER.encode(), b"")
    ]


def test_an_older_cassette_stays_when_the_new_one_leaks(tmp_path: Path) -> None:
    """A refusal leaves the file of the last good recording as it was, byte for byte."""
    path = tmp_path / "kept.yaml"
    kept_by_vcrpy(path, answer({"id": "ic_1"}))
    before = path.read_bytes()

    for keep, more in ((kept_by_vcrpy, {"record_mode": "new_episodes"}), (kept_by_us, {})):
        with pytest.raises(LeakError):
            keep(path, LEAKY["a number in a message"], **more)

    assert [("kept.yaml", before)] == [(one.name, one.read_bytes()) for one in tmp_path.iterdir()]


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_a_leak_is_refused_when_unused_requests_are_dropped(mode: str, tmp_path: Path) -> None:
    """Dropping what was not played goes the same way to the file, and is searched as well."""
    path = tmp_path / "dropped.yaml"
    kept_by_vcrpy(path, answer({"id": "ic_1"}))
    before = path.read_bytes()
    config = vcr_config(drop_unused_requests=True, record_mode=mode)

    leak = LEAKY["a live key in a message"]
    other = Request(**{**leak.request, "uri": "https://api.stripe.com/v1/others"})

    with pytest.raises(LeakError), vcr.VCR(**config).use_cassette(str(path)) as cassette:
        cassette.append(other, leak.response)

    assert before == path.read_bytes()


def test_a_leak_in_an_older_file_is_refused_when_it_would_be_written_again(tmp_path: Path) -> None:
    """What somebody put into a cassette by hand is not carried on by dropping something else."""
    path = tmp_path / "old.yaml"
    with vcr.use_cassette(str(path)) as cassette:
        cassette.append(
            Request("GET", "https://api.example.com/a", None, {}), answer({"t": NUMBER}).response
        )
    before = path.read_bytes()

    with pytest.raises(LeakError):
        kept_by_vcrpy(path, answer({"id": "ic_1"}), record_mode="new_episodes")

    assert before == path.read_bytes()


@KEEPERS
@pytest.mark.parametrize("secret", [NUMBER, LIVE, SIGNING])
@pytest.mark.parametrize("place", ["name", "folder"])
def test_a_leak_is_refused_when_it_is_in_the_path(
    keep: Any, secret: str, place: str, tmp_path: Path
) -> None:
    """A file's name, and its folder's, which come from names of tests, are searched as well."""
    path = tmp_path / (f"pay-{secret}.yaml" if place == "name" else f"{secret}/pay.yaml")

    with pytest.raises(LeakError, match="the path of the cassette") as caught:
        keep(path, answer({"id": "ic_1"}))

    assert [] == list(tmp_path.iterdir())
    assert secret not in str(caught.value)


def test_a_leak_is_refused_when_it_is_in_the_metadata(tmp_path: Path) -> None:
    """What a test stores in the cassette beside the interactions is searched as well."""
    recording = answer({"id": "ic_1"})
    using = vcr.VCR(**vcr_config()).use_cassette(str(tmp_path / "meta.yaml"))
    cassette = using.__enter__()
    cassette.append(Request(**recording.request), recording.response)
    cassette.get_metadata("seed", NUMBER)

    with pytest.raises(LeakError, match="the metadata"):
        using.__exit__(None, None, None)

    assert not urllib3.connectionpool.HTTPSConnectionPool.ConnectionCls.__module__.startswith("vcr")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("secret", [NUMBER, LIVE, SIGNING])
def test_a_leak_is_refused_when_it_came_in_by_a_delivery(secret: str, tmp_path: Path) -> None:
    """The sidecar is searched as well, and then neither file is written."""
    with (
        pytest.raises(LeakError, match=r"delivery 0, the body, data\.object\.note"),
        recorded(tmp_path / "told.yaml", mode="record") as tape,
    ):
        tape.receive(b'{"data": {"object": {"note": "%s"}}}' % secret.encode(), "t=1,v1=0")

    assert [] == list(tmp_path.iterdir())


def test_a_json_cassette_is_refused_when_it_leaks(tmp_path: Path) -> None:
    """The same holds for vcrpy's other serializer."""
    with pytest.raises(LeakError):
        kept_by_vcrpy(tmp_path / "leaky.json", LEAKY["a number in base64"], serializer="json")

    assert [] == list(tmp_path.iterdir())


def test_a_live_key_is_left_out_when_a_client_of_ones_own_sends_it(tmp_path: Path) -> None:
    """vcrpy keeps no header that only says who asks, live or not."""
    path = tmp_path / "live.yaml"
    kept_by_vcrpy(path, Recording(sent_headers={"Authorization": f"Bearer {LIVE}"}))

    assert LIVE not in path.read_text()
    assert "uthorization" not in path.read_text()
