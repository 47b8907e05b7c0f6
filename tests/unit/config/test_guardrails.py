"""Mistakes in the `guardrails` section: each is told with its key, and what would be right."""

import pytest

from extproc.config.loader import InvalidMeshError, parse

BASE = """
version: 1
models: {general: {endpoints: [{address: 127.0.0.1:8083}]}}
default_model: general
guardrails:
"""


def problems(text):
    """What is wrong with a section."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(BASE + text)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("section", "key", "said"),
    [
        ("  a: {kind: injektion}", "guardrails.a.kind", "did you mean `injection`"),
        ("  a: {action: block}", "guardrails.a.kind", "missing"),
        ("  a: {kind: injection, treshold: 0.5}", "guardrails.a.treshold", "did you mean `threshold`"),
        ("  a: {kind: injection, threshold: 1.5}", "guardrails.a.threshold", "less than 1"),
        ("  a: {kind: moderation}", "guardrails.a.url", "is missing"),
        ("  a: {kind: moderation, url: ftp://x}", "guardrails.a.url", "match pattern"),
        ("  a: {kind: moderation, url: http://x, false_alarms: 0.1}", "guardrails.a.false_alarms", "there is no key"),
        ("  a: {kind: injection, threshold: 0.5, false_alarms: 0.1}", "guardrails.a", "not both"),
        ("  a: {kind: injection, look_at: [answer]}", "guardrails.a.look_at", "looks at requests"),
        ("  a: {kind: injection, look_at: [users]}", "guardrails.a.look_at[0]", "user"),
        ("  a: {kind: injection, action: reroute}", "guardrails.a", "`to` belongs to"),
        ("  a: {kind: injection, action: block, to: pod}", "guardrails.a", "`to` belongs to"),
        ("  a: {kind: injection, action: reroute, to: generel}", "guardrails.a.to", "did you mean `general`"),
        ("  a: {kind: injection, action: confine, to: moon}", "guardrails.a", "must be a zone"),
        ("  a: {kind: injection, action: ask}", "guardrails.a", "`ask` belongs to"),
        ("  a: {kind: injection, action: ask, ask: b}", "guardrails.a.ask", "there is no guardrail `b`"),
        ("  a: {kind: injection, action: ask, ask: a}", "guardrails", "asks itself"),
        (
            "  a: {kind: injection, action: ask, ask: b}\n  b: {kind: injection, action: ask, ask: a}",
            "guardrails",
            "asks itself",
        ),
        ("  a b: {kind: injection}", "guardrails.a b", "match pattern"),
    ],
)
def test_mistakes(section, key, said):
    """One sentence for each, at its line."""
    found = problems(section + "\n")
    assert any(line in (5, 6) and where == key and said in message for line, where, message in found), found


def test_a_section_that_is_right():
    """Every key of a guardrail."""
    mesh = parse(
        BASE + "  a: {kind: injection, look_at: [user, tool], false_alarms: 0.02, action: confine, to: pod,"
        " mode: monitor, on_error: open, deadline_ms: 50, status: 400}\n"
        "  b: {kind: injection, action: ask, ask: a}\n"
    )
    assert list(mesh.guardrails) == ["a", "b"]
