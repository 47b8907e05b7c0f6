"""Grammars of callers: they mean what GBNF means, and none of them can stop or crash anything."""

import json
import os
import random

import pytest

from inference.constraint.fault import NotHeldError
from inference.constraint.gbnf import read_gbnf
from inference.constraint.grammar import from_gbnf
from inference.constraint.matcher import Constraint
from tests.unit.inference.constraint.grammars import LETTERS, LONGEST, any_grammar, texts_of
from tests.unit.inference.constraint.schemas import answer, tokenizer

CASES = int(os.environ.get("INTENTMESH_GRAMMAR_CASES", "60"))
JSON = r"""
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array  ::= "[" ws (value ("," ws value)*)? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= "-"? ([0-9] | [1-9] [0-9]{0,15}) ("." [0-9]+)? ([eE] [-+]? [1-9] [0-9]{0,1})? ws
ws     ::= ([ \t\n] ws)?
"""


def constraint_of(grammar):
    """A grammar, compiled."""
    return Constraint(tokenizer(), from_gbnf(grammar, "grammar"))


def accepted(constraint):
    """Every text up to the length that the masks allow to be whole."""
    found, left = set(), [("", constraint.matcher()._native)]
    while left:
        text, matcher = left.pop()
        if matcher.is_accepting():
            found.add(text)
        for letter in LETTERS if len(text) < LONGEST else "":
            further = matcher.deep_copy()
            if further.try_consume_tokens([ord(letter)]):
                left.append((text + letter, further))
    return found


def is_accepted(constraint, text):
    """Whether a text is whole, token by token."""
    matcher = constraint.matcher()
    return all(matcher.accept(byte) for byte in text.encode()) and matcher._native.is_accepting()


@pytest.mark.parametrize("seed", range(CASES))
def test_a_grammar_means_what_its_rules_say(seed):
    """Neither more nor less, however ambiguous and recursive: compared with substitution by the book."""
    grammar = any_grammar(random.Random(seed))
    wanted = texts_of(read_gbnf(grammar))
    try:
        constraint = constraint_of(grammar)
    except NotHeldError:
        assert wanted == set(), grammar
        return
    assert accepted(constraint) == wanted, grammar


@pytest.mark.parametrize(
    ("grammar", "whole", "not_whole"),
    [
        ('root ::= "yes" | "no" digit{1,3}  # why not\ndigit ::= [0-9]', ["yes", "no123"], ["no", "no1234", "yesno"]),
        ('root ::= "a" root "b" | [ab] [ab]', ["ab", "aabb", "aababb", "aaaabbbb"], ["aaabb", "abaa"]),
        ('root ::= ws "x" ws\nws ::= ([ \\n] ws)?', ["x", " \n x  "], ["", " "]),
        ('root ::= list\nlist ::= list "," item | item\nitem ::= [a-z]+', ["a,b,cd", "a"], ["a,", ",a"]),
        (r'root ::= "\x41\u00e9\U0001F600\"\\[\]" [\]\-^\\]', [f'Aé😀"\\[]{c}' for c in "]-^\\"], ["A", 'Aé😀"\\[]a']),
        ("root ::= [^a-c] . [é-ü]?", ["dxé", "😀\n"], ["ax", "d"]),
        ('root ::= (\n  "a"  # first\n  | "b"\n)+\n\n# the end', ["ab", "bba"], ["", "c"]),
        ('root ::= "a"{2}{2} ("b" "c"?){0,2}', ["aaaa", "aaaabcb"], ["aa", "aaaabbb"]),
        ('root ::= [a-z]+ ".txt" | "a.t" root', ["a.txt", "a.ta.txt"], ["a.t", ".txt"]),
    ],
)
def test_what_grammars_say(grammar, whole, not_whole):
    """Escapes, classes, comments, groups over several lines, repetitions of repetitions, recursion to either side."""
    constraint = constraint_of(grammar)
    assert [text for text in whole if not is_accepted(constraint, text)] == []
    assert [text for text in not_whole if is_accepted(constraint, text)] == []


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        ("", "no rule `root`"),
        ('start ::= "a"', "no rule `root`"),
        ("root ::= missing", "line 1, column 10: a rule that is not there"),
        ('root ::= "a"\nroot ::= "b"', "line 2, column 5: a rule of this name"),
        ('root = "a"', "line 1, column 6: `::=` is missing"),
        ('root ::= "a', "a literal that is not closed"),
        ("root ::= [a", "a class that is not closed"),
        ('root ::= ("a"', "a group that is not closed"),
        ('root ::= "a")', "a rule ends with its line"),
        ("root ::= *", "a repetition of nothing"),
        ('root ::= "a"{5,2}', "at least 5 and at most 2 times"),
        ('root ::= "a"{2000000000}', "more than 10000 times"),
        ('root ::= "a"{x}', "a repetition is written"),
        (r'root ::= "\q"', "an escape that means nothing"),
        (r'root ::= "\u12"', "4 hexadecimal digits"),
        (r'root ::= "\ud800"', "half a surrogate pair"),
        ("root ::= [z-a]", "end is before its beginning"),
        ("root ::= []", "a class of no characters"),
        ('root ::= <tool> "a"', "a token is written by its number"),
        ("root ::= <[99999999]>", "too large"),
        ('root ::= "a"' + "+" * 3000, "more than 50 repetitions of one part"),
        (
            "root ::= r0" + "".join(f'\nr{n} ::= "a" r{n + 1}' for n in range(1900)) + "\nr1900 ::= [b]",
            "nested too deeply",
        ),
        ("root ::= " + "(" * 18_900 + '"a"' + ")" * 18_900, "nested more than 50 deep"),
        ("root ::= " + " | ".join(f'"{n}"' for n in range(20_000)), "of at most"),
        ("root ::= " + "a " * 60_000, "more than 20000 parts"),
        ("root ::= a" + "".join(f"\nr{n} ::= a" for n in range(2500)), "more than 2000 rules"),
    ],
)
def test_mistakes_have_their_line(grammar, message):
    """Wrong or above a limit: refused by us, before native code sees it."""
    with pytest.raises(NotHeldError) as caught:
        constraint_of(grammar)
    assert message in str(caught.value)
    assert str(caught.value).startswith("grammar: ")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "grammar",
    [
        "root ::= " + " | ".join(f'"{n}"' for n in range(4000)),
        "root ::= " + " | ".join(f'"{n}" root?' for n in range(1500)),
        "root ::= r0 r0\n" + "\n".join(f"r{n} ::= r{n + 1} r{n + 1} | r{n + 1}" for n in range(40)) + '\nr40 ::= "a"?',
        "root ::= r0\n" + "\n".join(f'r{n} ::= ("a" r{n + 1} | r{n + 1} "b")*' for n in range(40)) + '\nr40 ::= "c"?',
        'root ::= (("a"{1000}){1000}){1000}',
        'root ::= ("a" | "a" "a" | "a" "a" "a")*' + ' "a"?' * 500 + ' "b"',
        'root ::= (root root root | "a" | "")+',
        "root ::= ([a-z]* [0-9]* [A-Z]*)* root? ([a-z]* [0-9]*)* | " + "(" * 49 + '"x"' + ")*" * 49,
    ],
)
def test_no_grammar_takes_long(grammar):
    """Large, ambiguous, or both: it is followed, or refused as too complex, and the next answer begins as if nothing was."""
    refusal = "too complex"
    try:
        answer(constraint_of(grammar), random.Random(0), most=60)
    except NotHeldError as error:
        refusal = str(error)
    assert "too complex" in refusal or "too large" in refusal
    assert answer(constraint_of('root ::= "ok"'), random.Random(0)) == "ok"


def test_json_by_a_grammar():
    """The grammar that everybody copies: what it lets pass is JSON."""
    constraint, drawn = constraint_of(JSON), random.Random(7)
    answers = [answer(constraint, drawn) for _ in range(30)]
    whole = [text for text in answers if text is not None]
    assert len(whole) > 10
    for text in whole:
        json.loads(text)
