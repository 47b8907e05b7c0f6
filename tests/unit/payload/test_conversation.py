"""What people said in a body: not what programs say between their words, in whatever API and however roles are spelled."""

import json
from time import thread_time

import pytest

from extproc.payload.conversation import code_share, in_own_words
from extproc.payload.json_body import JsonDocument
from extproc.payload.request_schemas import LLM

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def read(messages, **more):
    """The conversation of a body."""
    return JsonDocument(json.dumps({"messages": messages, **more}).encode(), LLM).conversation


@pytest.mark.parametrize("role", ["user", "User", "USER", " user ", "human"])
def test_roles_in_any_case(role):
    """A turn is a person's however its role is spelled."""
    said = read([{"role": "system", "content": "you fix printers"}, {"role": role, "content": "hi"}])
    assert (said.text, said.before, said.turns) == ("hi", (), 1)


def test_what_came_before():
    """The last turns before the last one are kept, in order; answers and results of tools are none."""
    said = read(
        [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "two"},
            {"role": "user", "content": [{"type": "text", "text": "three"}, {"type": "text", "text": "more"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "noise"}]},
            {"role": "tool", "content": "noise"},
            {"role": "user", "content": "four"},
        ]
    )
    assert (said.text, said.before, said.turns) == ("four", ("two", "three\nmore"), 4)


def test_a_system_prompt_decides_nothing_beside_a_user():
    """A turn that is an image only asks for nothing; a system prompt alone is all there is."""
    assert read([{"role": "system", "content": "you fix printers"}, {"role": "user", "content": [IMAGE]}]).text == ""
    assert read([{"role": "system", "content": "you fix printers"}]).text == "you fix printers"
    assert (
        read([{"role": "user", "content": "what is this"}, {"role": "user", "content": [IMAGE]}]).text == "what is this"
    )


@pytest.mark.parametrize(
    ("body", "images", "audio"),
    [
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, True, False),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": ""}}]}]},
            False,
            True,
        ),
        ({"messages": [{"role": "user", "content": 'the field "type": "image_url" is wrong'}]}, False, False),
        ({"model": "m", "messages": [{"role": "user", "content": "x", "images": ["aGk="]}]}, True, False),
        ({"modalities": ["text", "audio"], "messages": []}, False, False),
    ],
)
def test_images_and_sound(body, images, audio):
    """Told by the body's own syntax, not by what texts say."""
    said = JsonDocument(json.dumps(body).encode(), LLM).conversation
    assert (said.images, said.audio) == (images, audio)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("plain", "plain"),
        ("<system-reminder>be kind</system-reminder>fix it", "fix it"),
        ("fix it\n<System-Reminder>\na <b> c\n</System-Reminder>\nnow", "fix it\nnow"),
        ("<system-reminder>never closed", ""),
        ("ask <system-reminder>never closed", "ask"),
        ("<system-reminder>only that</system-reminder>", ""),
        ('<document index="1">long text</document>\nwhat does it say?', "what does it say?"),
        ("<environment_details>\nfiles\n</environment_details>", ""),
        ("noise <user_query>do it</user_query> noise", "do it"),
        ("a < b and <b>bold</b>", "a < b and <b>bold</b>"),
        ("</system-reminder> said he", "</system-reminder> said he"),
    ],
)
def test_own_words(text, own):
    """What agents put into a turn is cut out; whatever else looks like a tag stays."""
    assert own == in_own_words(text)


def test_a_reminder_is_no_turn():
    """A message that a program wrote under the user's role is skipped."""
    said = read(
        [{"role": "user", "content": "fix it"}, {"role": "user", "content": "<system-reminder>x</system-reminder>"}]
    )
    assert (said.text, said.turns) == ("fix it", 1)


@pytest.mark.parametrize("piece", ["<system-reminder>", "<document ", "<", "<user_query>", "</document>"])
def test_linear(piece):
    """Four times as many tags are some four times the work."""

    def seconds(count):
        text = piece * count
        start = thread_time()
        in_own_words(text)
        return thread_time() - start

    assert any(seconds(80_000) <= 9 * max(seconds(20_000), 0.002) for _ in range(5))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("how do I write a loop", 0, 0),
        ("Dear team,\nthe printer is broken.\nThanks", 0, 0.1),
        ("why?\n```python\nprint(1)\nprint(2)\nprint(3)\n```", 0.8, 1),
        ("def f(x):\n    return x + 1;\n\nwhat is wrong", 0.4, 0.8),
        ("2026-11-20 09:12:44 WARN a\n2026-11-20 09:12:45 INFO b", 1, 1),
    ],
)
def test_code(text, least, most):
    """Fences, lines of programs and of logs are code; sentences are not."""
    assert least <= code_share(text) <= most
