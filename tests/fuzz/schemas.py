"""Random and broken JSON schemas and grammars, for so many seconds: no crash, no hang, no wrong document, flat memory.

    python -m tests.fuzz.schemas --seconds 600

Each case is read, compiled and followed for some steps in a child process, as a request would be. A child that dies, takes more
than 2 s of CPU for a case or for one step of 0.5 s, lets a document pass that its schema refuses, or fails otherwise than with an
error for the caller, is a finding: its seed is printed, and the exit status is 1. The same seed makes the same case.
"""

import argparse
import json
import multiprocessing
import random
import re
import sys
import time
from pathlib import Path

from inference.constraint.fault import NotHeldError
from inference.constraint.grammar import from_gbnf, from_schema
from inference.constraint.matcher import Constraint
from tests.unit.inference.constraint.grammars import any_grammar
from tests.unit.inference.constraint.schemas import PATTERNS, allowed_by, answer, any_schema, check, tokenizer

_CASE_S = 2.0
_STEP_S = 0.5
_HANG_S = 60.0
_STEPS = 40
_WARM_CASES = 300
_GROWTH_MIB = 120
_ODD = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, -(2**70), 1e308, 5e-324, 0.1, "", "a", "\x00",
    "\u001f", "\ud800", "😀", [], {}, [[]], "#", "#/", "#/$defs/one", "#/definitions/two", "string", "object",
    "integer", ["null", "string"], {"type": "string"}, {"const": 1}, {"$ref": "#"}, 10**6, 999, "date", "regex",
    "(", "[", "a{1000}", "(a{1000}){1000}", "^(a|b)*$", "(?=a)", r"\p{L}+", r"[^\x00-\x1f]", "((a*)*)*b",
    "(.*a){20}", "a{2,1}",
]  # fmt: skip
_KEYWORDS = [
    "type", "enum", "const", "anyOf", "allOf", "oneOf", "$ref", "properties", "required",
    "additionalProperties", "patternProperties", "minProperties", "maxProperties", "items", "prefixItems",
    "minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "not", "if", "then", "uniqueItems", "$defs",
    "definitions", "$id", "$anchor", "propertyNames",
]  # fmt: skip
_SNIPPETS = [
    "(", ")", "|", "*", "+", "?", "{1000}", "{5,2}", "{0}", '"', "[", "]", "^", "\\", "::=", "\n", "#", ".",
    "root", "one", "<[3]>", "!<[3]>", '""', "[^a]", '"a"', "\\u12", "\\xff", "{99999999999}", "((((", "))))",
    "root root", "\x00", "é",
]  # fmt: skip


def any_pattern(drawn, depth=4):
    """A regular expression, mostly a right one."""
    roll = drawn.random()
    if roll < 0.3 or not depth:
        return drawn.choice(
            ["a", "b", r"\d", r"\w", r"\S", ".", "[a-z]", "[^x]", r"\.", "é", "", r"[\s\S]", *PATTERNS[:4]]
        )
    if roll < 0.5:
        return any_pattern(drawn, depth - 1) + any_pattern(drawn, depth - 1)
    if roll < 0.65:
        return f"(?:{any_pattern(drawn, depth - 1)}|{any_pattern(drawn, depth - 1)})"
    count = drawn.choice(["*", "+", "?", "{3}", "{2,40}", "{0,999}", "{1000}", "{20,}"])
    return f"(?:{any_pattern(drawn, depth - 1)}){count}"


def broken(value, drawn):
    """A schema with some of its parts exchanged."""
    if drawn.random() < 0.08:
        return drawn.choice(_ODD)
    if isinstance(value, dict):
        changed = {key: broken(part, drawn) for key, part in value.items()}
        if drawn.random() < 0.25:
            changed[drawn.choice(_KEYWORDS)] = drawn.choice([*_ODD, value])
        return changed
    if isinstance(value, list):
        parts = [broken(part, drawn) for part in value]
        return parts * drawn.choice([1, 1, 1, 2, 40]) if len(json.dumps(parts)) < 4000 else parts
    return value


def large(drawn):
    """A schema that is right, and as large as the limits allow, or larger."""
    count = drawn.choice([50, 500, 3000])
    return drawn.choice(
        [
            {"enum": [f"value {n * 7919 % count}" for n in range(count)]},
            {
                "type": "object",
                "properties": {f"p{n}": any_schema(drawn) if n < 20 else {"type": "string"} for n in range(count)},
            },
            {
                "anyOf": [
                    {"type": "object", "properties": {f"k{n}": {"type": "integer"}}, "required": [f"k{n}"]}
                    for n in range(count)
                ]
            },
            {"oneOf": [{"type": "object", "properties": {"k": {"const": n}}, "required": ["k"]} for n in range(count)]},
            {"allOf": [{"anyOf": [{"minLength": n}, {"pattern": any_pattern(drawn)}]} for n in range(count // 50)]},
            {"allOf": [{"type": "string", "pattern": any_pattern(drawn)} for _ in range(drawn.randint(2, 12))]},
            {
                "$defs": {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)} | {"d60": {}},
                "$ref": "#/$defs/d0",
            },
            {
                "type": "array",
                "items": {"type": "array", "items": {"const": "x"}, "minItems": count},
                "minItems": count,
            },
            {
                "type": "string",
                "pattern": any_pattern(drawn, 8),
                "minLength": drawn.choice([0, 3, 1000]),
                "maxLength": 10**6,
            },
            {"type": "integer", "multipleOf": drawn.randint(1, 1000), "minimum": -(10**15), "maximum": 10**15},
        ]
    )


def case(seed):
    """What a seed makes: a kind, and a schema or a grammar."""
    drawn = random.Random(seed)
    roll = drawn.random()
    if roll < 0.35:
        return "schema", any_schema(drawn, not_held=0.1)
    if roll < 0.6:
        return "broken schema", broken(any_schema(drawn, not_held=0.1), drawn)
    if roll < 0.7:
        return "large schema", large(drawn)
    grammar = any_grammar(drawn)
    if roll < 0.8:
        return "grammar", grammar
    for _ in range(drawn.randint(1, 6)):
        at = drawn.randint(0, len(grammar))
        grammar = (
            grammar[:at]
            + drawn.choice(_SNIPPETS) * drawn.choice([1, 1, 1, 30, 2000])
            + grammar[at + drawn.randint(0, 5) :]
        )
    return "broken grammar", grammar


def follow(constraint, drawn):
    """The longest step of some random ones, in seconds of CPU."""
    matcher, longest = constraint.matcher(), 0.0
    for _ in range(_STEPS):
        began = time.thread_time()
        token = drawn.choice(allowed_by(matcher))
        matcher.accept(token)
        longest = max(longest, time.thread_time() - began)
        if matcher.ended or token == 256:
            break
    return longest


def attempt(seed):
    """Run a case: what was wrong with it, or None."""
    kind, form = case(seed)
    drawn = random.Random(seed)
    began = time.thread_time()
    try:
        grammar = from_gbnf(form, "grammar") if "grammar" in kind else from_schema(form, "schema")
        constraint = Constraint(tokenizer(), grammar)
        took = time.thread_time() - began
        longest = follow(constraint, drawn)
        if kind == "schema" and (text := answer(constraint, drawn)) is not None:
            check(form, text)
    except NotHeldError as error:
        took, longest = time.thread_time() - began, 0.0
        if re.search(r"Traceback|panic|0x[0-9a-f]{6}", str(error)):
            return f"{kind}: an error as no caller should see it: {error}"
    except Exception as error:  # noqa: BLE001 - each is a finding
        return f"{kind}: {type(error).__name__}: {str(error)[:300]}"
    if took > _CASE_S or longest > _STEP_S:
        return f"{kind}: {took:.1f} s to read and compile, {longest:.2f} s for a step"
    return None


def resident_mib():
    """Resident memory of this process."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def work(pipe, first):
    """In a child: case after case, each told before it begins."""
    seed, warm = first, 0.0
    while True:
        pipe.send(("begins", seed))
        if (wrong := attempt(seed)) is not None:
            pipe.send(("wrong", (seed, wrong)))
        seed += 1
        if seed == first + _WARM_CASES:
            warm = resident_mib()
        elif seed % 500 == 0 and warm:
            pipe.send(("memory", (warm, resident_mib())))


def main():
    """Run children one after the other until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="run the case of this seed alone, and show it")
    chosen = parser.parse_args()
    if chosen.case is not None:
        print(*case(chosen.case), sep="\n")
        print(attempt(chosen.case) or "nothing wrong")
        return 0
    end, seed, findings, memory = time.monotonic() + chosen.seconds, chosen.seed, [], (0.0, 0.0)
    while time.monotonic() < end:
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.Process(target=work, args=(theirs, seed), daemon=True)
        child.start()
        theirs.close()
        while time.monotonic() < end:
            if not ours.poll(_HANG_S):
                findings.append((seed, f"no end after {_HANG_S:.0f} s"))
                break
            try:
                kind, told = ours.recv()
            except EOFError:
                child.join()
                findings.append((seed, f"the process died ({child.exitcode})"))
                break
            if kind == "begins":
                seed = told
            elif kind == "memory":
                memory = told
            else:
                findings.append(told)
                print(*told, flush=True)
        child.kill()
        child.join()
        seed += 1
    if memory[1] > memory[0] + _GROWTH_MIB:
        findings.append((seed, f"memory grew from {memory[0]:.0f} to {memory[1]:.0f} MiB"))
    print(f"{seed - chosen.seed} cases, {len(findings)} findings, memory {memory[0]:.0f} -> {memory[1]:.0f} MiB")
    for finding in findings:
        print(*finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
