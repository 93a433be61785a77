"""JSON from outside: what is nested deeply is refused in words, wherever it is read."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotator.crowd.marketplaces.mturk.events import read_event
from annotator.json_texts import MAX_DEPTH, read_json
from annotator.published.readers.cells import BadFile
from annotator.published.readers.jsonl import read_line_answers
from workers.engine.format.artifact import ArtifactMalformed, read_artifact

# Deep enough to end a parser, and as deep as a parser goes while what handles the result does not.
DEPTHS = [MAX_DEPTH + 1, 900, 200_000]


def nest(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_what_is_nested_as_usual_is_read() -> None:
    assert read_json('{"a": [1, {"b": null}], "c": "[[[["}') == {"a": [1, {"b": None}], "c": "[[[["}
    assert read_json(nest(MAX_DEPTH)) is not None
    assert read_json(b"7") == 7


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_is_nested_deeply_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(nest(depth))
    with pytest.raises(BadFile, match="row 1: not JSON"):
        read_line_answers(f'{{"description": {nest(depth)}}}'.encode(), "answers.jsonl", "layer")
    assert read_event({"Message": nest(depth)}) == set()


@pytest.mark.parametrize("command", ["register", "dissect"])
def test_a_command_refuses_it_in_one_sentence(command: str) -> None:
    with pytest.raises(CommandError, match=r"argument --preprocessing: this is not JSON \(nested too deeply\)"):
        call_command(command, f"--preprocessing={nest(200_000)}", "--network=torchvision:alexnet")


def test_an_artifact_is_refused_as_malformed() -> None:
    with pytest.raises(ArtifactMalformed):
        read_artifact(lambda name: nest(200_000).encode())


@pytest.mark.parametrize("depth", DEPTHS[1:])
def test_the_requester_api_says_that_it_is_not_json(db: None, settings: Any, depth: int) -> None:
    settings.ROOT_URLCONF = "annotator.sandbox.urls"
    target = "MTurkRequesterServiceV20170117.GetAccountBalance"
    answer = Client().generic("POST", "/", nest(depth), headers={"X-Amz-Target": target})
    assert 400 <= answer.status_code < 500
