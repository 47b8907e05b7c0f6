"""Guardrails on answers: what is found, what is done about it, however the answer is cut, and what of it may have left."""

import base64
import codecs
import json

import pytest

from extproc.config.guardrails import CodeGuard, EchoGuard, LinksGuard
from extproc.config.intercept import Intercept
from extproc.guardrails.answer_checks import Code, Echo
from extproc.guardrails.answers import AnswerGuards, Watched
from extproc.guardrails.links import Links

RULE = Intercept(path_prefix="/v1/")
CHAT = "/v1/chat/completions"


def watching(guard, makes, *, enforced=True):
    """The link of one guardrail."""
    return AnswerGuards(RULE, CHAT, (Watched("mine", guard, makes, enforced),))


def links(**settings):
    """One on links, which takes them out."""
    guard = LinksGuard.model_validate({"kind": "links", "action": "redact", **settings})
    return watching(guard, Links(guard))


def said(link, text, size=None):
    """A whole answer with this text, after the link; streamed in deltas of so many characters where `size` says."""
    if size is None:
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
        out = link.editor("application/json", "").feed(body, end=True)
        return json.loads(out)["choices"][0]["message"]["content"]
    editor = link.editor("text/event-stream", "")
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    raw = [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]
    out = b"".join(editor.feed(chunk) for chunk in raw) + editor.feed(b"", end=True)
    datas = [line[6:] for line in out.decode().split("\n") if line.startswith("data: ")]
    return "".join(json.loads(data)["choices"][0]["delta"]["content"] for data in datas if data != "[DONE]")


ALLOWED = {"hosts": ["docs.example.org", "*.corp.test"]}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("See https://evil.test/p?q=1 now. Bye.", "See [removed] now. Bye."),
        ("![x](https://evil.test/a.png) Hello.", "[removed] Hello."),
        ('<img src="//evil.test/a"> Hello.', "[removed] Hello."),
        ("[a](https://docs.example.org@evil.test/) Hello.", "[removed] Hello."),
        ("Go to www.evil.test/x.", "Go to [removed]"),
        ("[a](data:text/html;base64,AAAA) Hello.", "[removed] Hello."),
        ("See https://docs.example.org/a?b=c.", "See https://docs.example.org/a?b=c."),
        ("See https://a.corp.test:8443/.", "See https://a.corp.test:8443/."),
        ("A [relative](/docs/a.md) link, version 1.2 and a path a//b.", None),
        ("[x]: //evil.test/a.png\nHello.", "[removed]\nHello."),
        ("[x]: <https://evil.test/a.png> 'title'\nHello.", "[removed]> 'title'\nHello."),
        ("Look: <https://evil.test/a> Hello.", "Look: [removed] Hello."),
        ("看https://evil.test/a 好", "看[removed] 好"),
        ("_https://evil.test/a Hello_", "_[removed] Hello_"),
        ("[a](https:evil.test/a) Hello.", "[removed] Hello."),
        ("[a](https:/evil.test/a) Hello.", "[removed] Hello."),
        (r"[a](https:\\evil.test/a) Hello.", "[removed] Hello."),
        (r"[a](https\://evil.test/a) Hello.", "[removed] Hello."),
        (r"[a](/\evil.test/a) Hello.", "[removed] Hello."),
        ("![a](https&#58;//evil.test/a) Hello.", "[removed] Hello."),
        ("![a](https&colon;&sol;&sol;evil.test/a) Hello.", "[removed] Hello."),
        ('<img src="&#x2f;/evil.test/a"> Hello.', "[removed] Hello."),
        ('<img srcset="/a.png 1x, //evil.test/a 2x"> Hello.', "[removed] Hello."),
        ('<a href="https://docs.example.org\t.evil.test/"> Hello.', "[removed] Hello."),
        ('<p style="background:url(//evil.test/a)"> Hello.', "[removed] Hello."),
        ("[a](https://evil.test@x@docs.example.org/) Hello.", None),
        ("[a](https://docs.example.org@x@evil.test/) Hello.", "[removed] Hello."),
        ("[a](https://x@docs.example.org@evil.test/) Hello.", "[removed] Hello."),
        ("[a](https://docs.example.org%2eevil.test/) Hello.", "[removed] Hello."),
        ("[a](https://evil.test%2f.corp.test/) Hello.", "[removed] Hello."),
        ("[a](https://DOCS.example.org./a) Hello.", None),
        ("[a [b] c](https://evil.test/a) Hello.", "[removed] Hello."),
        ("[a](javascript:alert(1)) Hello.", "[removed]) Hello."),
        (
            "[a](mailto:eve@evil.test?body=x) [b](mailto:a@a.corp.test) Hello.",
            "[removed] [b](mailto:a@a.corp.test) Hello.",
        ),
        ("See https://docs.example.org/r?to=https://evil.test/x now. Bye.", "See [removed] now. Bye."),
        ("See https://docs.example.org/r?to=https%3A%2F%2Fevil.test now. Bye.", "See [removed] now. Bye."),
        ("See https://docs.example.org/r?to=https%253A%252F%252Fevil.test now. Bye.", "See [removed] now. Bye."),
        ("See https://docs.example.org/r?to=//evil.test/ now. Bye.", "See [removed] now. Bye."),
        ("See https://docs.example.org/r?url=evil.test/ now. Bye.", "See [removed] now. Bye."),
        ("See https://docs.example.org/r?u=aHR0cHM6Ly9ldmlsLnRlc3Q now. Bye.", "See [removed] now. Bye."),
        ("See https://docs.example.org/r?to=https://a.corp.test/&page=index.html now.", None),
        ("See https://docs.example.org/r?next=index.html&copy=2 now.", None),
    ],
)
def test_links(text, left):
    """Only to hosts that are listed, in Markdown, HTML and bare; however the answer is cut."""
    for size in (None, 1, 7):
        assert said(links(**ALLOWED), text, size) == (text if left is None else left), size


def test_images_only():
    """A link has to be clicked, an image has not."""
    assert said(links(images_only=True), "![x](https://e.test/) https://e.test/") == "[removed] https://e.test/"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("![ ]( https://e.test/ ) Hi.", "[removed] Hi."),
        (f"![{'a' * 900}](https://e.test/) Hi.", "[removed] Hi."),
        ("![a [b] c](https://e.test/) Hi.", "[removed] Hi."),
        ("![a\nb](https://e.test/) Hi.", "![a\nb]([removed]) Hi."),
        ("![a][x]\n\n[x]: https://e.test/\n", "![a][x]\n\n[removed]\n"),
        ('<link rel="icon" href="https://e.test/"> Hi.', "[removed] Hi."),
        ('<img\nsrc="https://e.test/"> Hi.', '<img\nsrc="[removed]"> Hi.'),
        ("[a](https://e.test/) <a href='https://e.test/'>b</a> Hi.", None),
    ],
)
def test_what_is_fetched_without_a_click(text, left):
    """However it is written; where the beginning has left, it may have been an image."""
    assert said(links(images_only=True), text) == (text if left is None else left)


def test_long_addresses_take_little():
    """Nothing is tried twice: addresses within addresses, brackets and commas by the thousand."""
    text = "".join(f"[[,{'(' * 3}https://docs.example.org/?u=aHR0cHM6Ly9hYWFh{'%25' * 40}&u=//" for _ in range(200))
    assert len(said(links(**ALLOWED), text)) <= len(text)


SYSTEM = (
    "You are Ada, an assistant of the Example Bank. Never tell anybody that the discount code is SPRING, and never speak about "
    "the merger with the other bank before it was announced by the board."
)


@pytest.mark.parametrize("size", [None, 1, 11])
def test_echo_of_the_instructions(size):
    """As many words in a row as are no accident; from there on nothing leaves."""
    guard = EchoGuard(kind="echo", action="block")
    link = watching(guard, Echo(guard, [SYSTEM], ["Who are you?"]))
    text = f"Of course. My instructions are these: {SYSTEM} Anything else?"
    assert said(link, text, size) == (
        "Of course. My instructions are these: You are Ada, an assistant of the Example Bank. "
        "[the rest of this answer was removed by the guardrail mine]"
    )
    assert [verdict.reason for verdict in link.verdicts] == ["mine:answer"]


@pytest.mark.parametrize(
    "told",
    [
        lambda said: "\n".join(f"{n}. {said[at : at + 4]}" for n, at in enumerate(range(0, len(said), 4), 1)),
        " ".join,
        lambda said: base64.b64encode(said.encode()).decode(),
        lambda said: said.encode().hex(),
        lambda said: codecs.encode(said, "rot13"),
        lambda said: said[::-1],
        lambda said: (
            said.replace(" the ", " that very ").replace("Never", "I must never").replace("before it", "till it")
        ),
        lambda said: "```\n" + said.replace(" ", "\n") + "\n```",
        lambda said: "| " + said.replace(" ", " | ") + " |",
    ],
)
def test_echo_in_disguise(told):
    """In lists, with letters apart, encoded, backwards, with little words changed."""
    guard = EchoGuard(kind="echo", action="block")
    system = f"{SYSTEM} Whoever asks about loans gets the brochure of the year and the number of the branch in Leeds."
    link = watching(guard, Echo(guard, [system], ["Who are you?"]))
    assert "removed by the guardrail mine" in said(link, told(system.replace(",", "").replace(".", "")))


def test_echo_without_spaces():
    """Of instructions in a script that has none."""
    guard = EchoGuard(kind="echo", action="block")
    system = "你是示例银行的客服助手。任何时候都不要告诉用户五月份的折扣代码，也不要谈论与另一家银行合并的计划。"
    link = watching(guard, Echo(guard, [system], []))
    assert "guardrail mine" in said(link, f"好的，我的指示是：{system}")
    assert said(watching(guard, Echo(guard, [system], [])), "我是示例银行的客服助手。") == "我是示例银行的客服助手。"


@pytest.mark.parametrize(
    "text", ["I am Ada, an assistant of the Example Bank.", "The board has announced nothing yet."]
)
def test_a_few_words_are_no_echo(text):
    """A name and a phrase may be said."""
    guard = EchoGuard(kind="echo", action="block")
    assert said(watching(guard, Echo(guard, [SYSTEM], [])), text) == text


def test_what_the_user_said_is_no_secret():
    """Who pastes a text may hear it again."""
    guard = EchoGuard(kind="echo", action="block")
    assert said(watching(guard, Echo(guard, [SYSTEM], [SYSTEM])), SYSTEM) == SYSTEM


@pytest.mark.parametrize("size", [None, 3])
def test_code(size):
    """Fenced code goes, the sentences around it stay."""
    guard = CodeGuard(kind="code", action="redact")
    text = "So:\n```python\nprint(1)\n```\nThat is all."
    assert said(watching(guard, Code(guard)), text, size) == "So:\n" + "[removed]" * 3 + "That is all."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("So:\n~~~\nx = 1\n```\ny\n~~~\nDone.", "So:\n" + "[removed]" * 5 + "Done."),
        ("So:\n<pre>x</pre>\nDone.", "So:\n[removed]Done."),
        ("It is ~~not~~ so.", None),
        ("Run SELECT name FROM users; then go on.\nDone.", "[removed]Done."),
        ("Then DROP TABLE users, at last.\nDone.", "[removed]Done."),
        ('So: <div class="a">x</div> is it.\nDone.', "[removed]Done."),
        ("Select one from the list, update it, and set a date.", None),
        ("One<br>two, [a](b) and ![c](d), 3 < 4 > 2.", None),
    ],
)
def test_code_in_other_fences(text, left):
    """A fence ends with its like."""
    guard = CodeGuard(kind="code", action="redact")
    assert said(watching(guard, Code(guard)), text) == (text if left is None else left)


def test_flag_and_monitor_change_nothing():
    """And are told."""
    guard = LinksGuard(kind="links", action="flag")
    text = "See https://e.test/."
    for link in (
        watching(guard, Links(guard)),
        watching(guard.model_copy(update={"action": "block"}), Links(guard), enforced=False),
    ):
        assert said(link, text, 2) == text
        assert len(link.verdicts) == 1


def streamed(link, *pieces):
    """What has left after each piece."""
    editor = link.editor("text/event-stream", "")
    out = []
    for piece in pieces:
        event = {"choices": [{"index": 0, "delta": {"content": piece}}]}
        out.append(editor.feed(f"data: {json.dumps(event)}\n\n".encode()).decode())
    return [*out, editor.feed(b"data: [DONE]\n\n", end=True).decode()]


def test_a_sentence_is_held_back_and_no_more():
    """What stands before it has left."""
    first, second, _, _ = streamed(links(), "All is well. ", "See https://e", ".test/x. ")
    assert "All is well." in first
    assert "https" not in second


def test_all_is_held_back():
    """With `hold: all` nothing leaves before the text is at its end, and nothing of one at fault."""
    guard = LinksGuard(kind="links", action="block", hold="all")
    link = watching(guard, Links(guard))
    *before, last = streamed(link, "All is well. ", "See https://e.test/x. ", "Bye.")
    assert before == ["", "", ""]
    assert "All is well" not in last
    assert "removed by the guardrail mine" in last


def test_long_answers_are_held_too():
    """However many events they come in; and what is longer than can be held is at fault."""
    guard = LinksGuard(kind="links", action="block", hold="all")
    link = watching(guard, Links(guard))
    text = "All is well. " * 100 + "See https://e.test/x. Bye."
    assert said(link, text, 2) == "[the rest of this answer was removed by the guardrail mine]"
    link = watching(guard, Links(guard))
    assert said(link, "All is well. " * 20_000, 4000).startswith("[the rest")


def test_what_is_ended_stays_ended():
    """A text that begins after the end of another one, in the same answer, is part of it."""
    guard = LinksGuard(kind="links", action="block")
    link = watching(guard, Links(guard))
    body = {"choices": [{"message": {"content": "https://e.test/ "}}, {"message": {"content": "More."}}]}
    out = json.loads(link.editor("application/json", "").feed(json.dumps(body).encode(), end=True))
    assert out["choices"][1]["message"]["content"] == ""


@pytest.mark.parametrize(("policy", "left"), [("closed", "[removed]"), ("open", "Hello.")])
def test_one_that_fails(policy, left):
    """Closed: the sentence is taken for one at fault."""

    class Broken:
        def inspector(self):
            return self

        def look(self, sentence):
            raise ValueError(sentence)

    guard = LinksGuard(kind="links", action="redact", on_error=policy)
    assert said(watching(guard, Broken()), "Hello.") == left
