"""
Does the command find what must not be in a file, wherever it stands, and does it say so by its exit code?
"""

import json
from pathlib import Path

import pytest
import vcr
import yaml
from typer.testing import CliRunner, Result
from vcr.request import Request

from issuing_disburse.cli import make_app
from leaky_recordings import CLEAN, LEAKY, LIVE, NUMBER, SECRETS, SIGNING, answer


def run(*arguments: object) -> Result:
    """
    Run ``issuing-disburse cassettes check``.
    """
    return CliRunner().invoke(make_app(), ["cassettes", "check", *map(str, arguments)])


def foreign(path: Path, *names: str) -> Path:
    """
    Write a cassette as vcrpy does by itself: nothing scrubbed, nothing searched.
    """
    serializer = "json" if path.suffix == ".json" else "yaml"
    with vcr.use_cassette(str(path), serializer=serializer) as cassette:
        for name in names:
            recording = {**LEAKY, **CLEAN}[name]
            cassette.append(Request(**recording.request), recording.response)
    return path


@pytest.mark.parametrize("name", LEAKY)
def test_a_leak_is_found_when_another_recorder_has_kept_it(name: str, tmp_path: Path) -> None:
    """Every leak in a cassette that vcrpy wrote by itself is found, with its place, and not repeated."""
    result = run(foreign(tmp_path / "foreign.yaml", name))

    assert 1 == result.exit_code
    assert "of interaction 0" in result.output
    assert [] == [one for one in SECRETS if one in result.output]


_OWN_FIELDS = {
    "a real number in its own field",
    "a number in its own field of a form",
    "an endpoint's secret in its own field",
    "an ephemeral key in its own field",
    "keys in headers",
}


@pytest.mark.parametrize("name", CLEAN)
def test_nothing_is_found_when_a_cassette_is_clean(name: str, tmp_path: Path) -> None:
    """Clean recordings pass; what only our scrubbing makes clean does not, if it was not scrubbed."""
    result = run(foreign(tmp_path / "foreign.yaml", name))

    assert int(name in _OWN_FIELDS) == result.exit_code


@pytest.mark.parametrize(
    "content",
    [
        f"# recorded with {NUMBER}\ninteractions: []\n",
        f"interactions: []\nnote: {NUMBER}\n",
        f"interactions: []\n? {NUMBER}\n: 1\n",
        f"interactions: []\nnote: {NUMBER[:4]}_{NUMBER[4:]}\n",
        f"interactions: []\nnote: {int(NUMBER):#x}\n",
        f"interactions: []\nnote: >-\n  {NUMBER[:6]}\n  {NUMBER[6:]}\n",
        f'interactions: []\nnote: "{NUMBER[:6]}\\\n  {NUMBER[6:]}"\n',
        f"note: &it {NUMBER}\nother: *it\n",
        f"note: {NUMBER}\nnote: nothing\n",
        f"--- {{}}\n--- {{note: {NUMBER}}}\n",
        f"- {NUMBER}\n",
        f"note: !!python/tuple [{NUMBER}]\n",
        f"interactions: [{{request: {LIVE}}}]\n",
        f'deliveries: [{{after: 0, body: \'{{"a": "{SIGNING}"}}\'}}]\n',
        f"broken: [ {NUMBER}\n",
        f"note: &it{NUMBER} 1\n",
        f"note: !!python/name:{LIVE} 1\n",
        f"note: &it [*it, {NUMBER}]\n",
        f"interactions: [{{request: {{headers: [{NUMBER}], body: 5}}}}]\n",
        f"interactions: [{{request: {{body: [1, {{a: {NUMBER}}}]}}}}]\n",
    ],
)
def test_a_leak_is_found_when_it_stands_anywhere_in_the_file(content: str, tmp_path: Path) -> None:
    """Comments, names, numbers, anchors, doubled names, further documents and broken files are searched."""
    path = tmp_path / "odd.yaml"
    path.write_text(content)
    result = run(path)

    assert 1 == result.exit_code
    assert [] == [one for one in SECRETS if one in result.output]


def test_a_leak_is_found_when_json_names_something_twice(tmp_path: Path) -> None:
    """Whoever reads doubled names sees only one of both; both are searched."""
    path = tmp_path / "odd.json"
    path.write_text(f'{{"a": "{NUMBER}", "a": "nothing"}}')
    body = f'{{"a": "{NUMBER}", "a": "nothing"}}'
    other = tmp_path / "body.yaml"
    response = {**answer({}).response, "body": {"string": body}}
    other.write_text(yaml.safe_dump({"interactions": [{"response": response}]}))

    assert [1, 1] == [run(path).exit_code, run(other).exit_code]


@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_leak_is_found_when_it_stands_around_the_parts_of_a_form(
    place: str, tmp_path: Path
) -> None:
    """What no reader of a multipart body looks at is searched as well."""
    parts = "--b\r\nX: y\r\n\r\nhi\r\n--b--\r\n"
    body = f"{NUMBER}\r\n{parts}" if place == "before" else f"{parts}{NUMBER}"
    headers = {"Content-Type": ["multipart/mixed; boundary=b"]}
    path = tmp_path / "parts.yaml"
    response = {**answer({}).response, "headers": headers, "body": {"string": body}}
    path.write_text(yaml.safe_dump({"interactions": [{"response": response}]}))

    assert 1 == run(path).exit_code


@pytest.mark.parametrize("name", ["deep.json", "deep.YAML"])
def test_a_file_is_no_clean_one_when_it_is_nested_too_deeply(name: str, tmp_path: Path) -> None:
    """Nesting ends neither the command nor the search of the other files."""
    depth = 100_000 if name.endswith("json") else 1
    (tmp_path / name).write_text("[" * depth + "]" * depth if depth > 1 else "a: &a [*a]")
    leaky = foreign(tmp_path / "leaky.yaml", "a live key in a message")
    result = run(tmp_path, "--json")

    assert (1, {name, leaky.name}) == (
        result.exit_code,
        {Path(one["path"]).name for one in json.loads(result.output)["files"]},
    )


def test_a_key_is_not_told_when_it_is_the_name_of_a_field(tmp_path: Path) -> None:
    """Even one of letters only, in whose field something else is found."""
    key = "sk_" + "live_" + "abcDEFghiJKLmnop"
    path = tmp_path / "named.json"
    path.write_text(json.dumps({key: {"note": NUMBER}}))
    result = run(path)

    assert (1, False) == (result.exit_code, key in result.output)


def test_folders_are_walked_when_they_are_named(tmp_path: Path) -> None:
    """Everything that could be a cassette is searched at any depth; hidden folders are not."""
    for folder in ("a/b", ".git"):
        (tmp_path / folder).mkdir(parents=True)
        foreign(tmp_path / folder / "leaky.json", "a number in a message")
    foreign(tmp_path / "a" / "clean.yaml", "a test card")
    result = run(tmp_path, "--json")

    found = json.loads(result.output)

    assert (1, 1) == (result.exit_code, found["exit_code"])
    assert [("clean.yaml", 0), ("leaky.json", 1)] == sorted(
        (Path(one["path"]).name, len(one["leaks"])) for one in found["files"]
    )


def test_the_exit_code_is_two_when_a_file_could_not_be_searched(tmp_path: Path) -> None:
    """A missing or broken file is no clean one; a leak elsewhere outranks it."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [")
    leaky = foreign(tmp_path / "leaky.yaml", "a live key in a message")

    assert 2 == run(tmp_path / "absent.yaml").exit_code
    assert 2 == run(broken).exit_code
    assert 1 == run(broken, leaky).exit_code
    assert 2 == run().exit_code


@pytest.mark.parametrize("secret", [NUMBER, LIVE])
def test_a_leak_is_found_when_it_is_the_name_of_the_file(secret: str, tmp_path: Path) -> None:
    """The name of a file is searched as well."""
    path = tmp_path / f"{secret}.yaml"
    path.write_text("interactions: []\n")
    result = run(path)

    assert 1 == result.exit_code
    assert secret not in result.output
