"""Random JSON schemas, and random answers under the masks that they give: no model, every token as likely as the next."""

import functools
import json
import re
from decimal import Decimal, localcontext

import jsonschema
import numpy as np
from llguidance import LLTokenizer, TokenizerWrapper

from inference.constraint.grammar import from_schema
from inference.constraint.matcher import Constraint

END = 256
_JOINED = [b'{"', b'":', b'",', b'", "', b'"}', b"]}", b"}}", b"[]", b"{}", b'\\"', b"10", b"true", b"ab", "é".encode()]
NAMES = ["a", "b", "kind", 'say "hi"', "über", "x-1", ""]
TEXTS = ["", "a", "ab", 'qu"ote', "back\\slash", "new\nline", "é", "😀", "\t", "null", "1"]
PATTERNS = [
    r"^\d{2,4}$", r"^[a-z]+(?:-[a-z]+)*$", r"a|b", r"^(?:x|yy){1,3}$", r"^[^\"\\]{3}$", r"\.", r"^\w+@\w+\.(com|org)$",
    r"^[A-Z][^a-c]?", r"^$", r"b$", r"^.{2}$", r"[\]\-^&]", "^\\u0041\\x42$", r"^(?<n>a)b*?$", r"^[\w.&&-]*$", r"^\/\{2}$",
]  # fmt: skip
_NOT_HELD = [
    {"not": {"type": "null"}}, {"if": {"type": "null"}, "then": {"const": None}}, {"uniqueItems": True},
    {"contains": {"type": "integer"}}, {"propertyNames": {"pattern": "^a"}}, {"dependentRequired": {"a": ["b"]}},
    {"unevaluatedProperties": False}, {"format": "regex"}, {"pattern": "(?=a)"}, {"pattern": r"\bx"},
    {"$dynamicRef": "#x"}, {"$ref": "https://example.org/other.json"},
]  # fmt: skip


class _Bytes:
    """Tokens are bytes, and some of several bytes that cut across what JSON's own parts are."""

    eos_token_id = END
    bos_token_id = None
    special_token_ids = (END,)
    tokens = (*(bytes([byte]) for byte in range(256)), b"<end>", *_JOINED)

    def __call__(self, text):
        return list(text.encode() if isinstance(text, str) else text)


@functools.cache
def tokenizer():
    """The vocabulary of all answers here."""
    return LLTokenizer(TokenizerWrapper(_Bytes()))


def constraint_of(schema):
    """A schema, compiled."""
    return Constraint(tokenizer(), from_schema(schema, "schema"))


def answer(constraint, random, most=400):
    """A text that random choices under the masks come to, or None if they come to no end."""
    matcher, text = constraint.matcher(), bytearray()
    for step in range(most):
        allowed = allowed_by(matcher)
        closing = [token for token in allowed if token == END or _Bytes.tokens[token][-1:] in b'"}]']
        if closing and random.random() < step / 100:
            allowed = closing
        token = random.choice(allowed)
        assert matcher.accept(token)
        if token == END:
            return text.decode()
        text += _Bytes.tokens[token]
        if matcher.ended:
            return text.decode()
    return None


def allowed_by(matcher):
    """The tokens that may follow."""
    logits = np.zeros(len(_Bytes.tokens), np.float32)
    matcher.mask(logits)
    return np.flatnonzero(logits == 0).tolist()


def check(schema, text):
    """Raise if a text is not a document that the schema allows. Decimal, because 0.3 is a multiple of 0.1."""
    exact = json.loads(json.dumps(schema).replace("(?<n>", "(?P<n>"), parse_float=Decimal)
    if re.search(r"[0-9][eE][+-]?[0-9]{3}", text):
        return  # a number that no decimal of a sane length holds
    document = json.loads(text, parse_float=Decimal)
    kind = jsonschema.validators.validator_for(exact, default=jsonschema.Draft202012Validator)
    with localcontext(prec=500):
        kind(exact).validate(document)


def any_schema(random, *, not_held=0.0):
    """A schema with definitions, some of which may lead back to it."""
    names = ["one", "two"] if random.random() < 0.4 else []
    make = _Maker(random, names, not_held)
    schema = make.schema(random.randint(0, 3))
    if names and isinstance(schema, dict):
        schema = {**schema, random.choice(["$defs", "definitions"]): {}}
        place = "$defs" if "$defs" in schema else "definitions"
        schema[place] = {name: make.schema(2) for name in names}
        schema = json.loads(json.dumps(schema).replace("#/DEFS/", f"#/{place}/"))
    return schema


class _Maker:
    def __init__(self, random, names, not_held):
        self._random = random
        self._names = names
        self._not_held = not_held

    def schema(self, depth):
        random = self._random
        if random.random() < 0.03:
            return random.choice([True, False, {}])
        makers = [self._string, self._number, self._integer, self._values, self._plain]
        if depth:
            makers += [self._object, self._object, self._array, self._any_of, self._all_of, self._one_of]
        if self._names:
            makers.append(self._reference)
        schema = random.choice(makers)(depth - 1)
        if random.random() < self._not_held:
            schema = {**schema, **random.choice(_NOT_HELD)}
        if random.random() < 0.1:
            schema = {**schema, "title": "T", "description": "d", "default": 1, "x-unknown": [1], "nullable": True}
        return schema

    def _some(self, **values):
        return {key: value for key, value in values.items() if self._random.random() < 0.4}

    def _plain(self, _):
        kinds = ["null", "boolean", "integer", "number", "string", "array", "object"]
        if self._random.random() < 0.5:
            return {"type": self._random.choice(kinds)}
        return {"type": self._random.sample(kinds, self._random.randint(1, 3))}

    def _string(self, _):
        least = self._random.randint(0, 4)
        held = {"type": "string"} if self._random.random() < 0.9 else {}
        return held | self._some(
            minLength=least, maxLength=least + self._random.randint(0, 5), pattern=self._random.choice(PATTERNS),
            format=self._random.choice(["date", "time", "date-time", "ipv4", "uuid", "email", "password", "json-pointer"]),
        )  # fmt: skip

    def _number(self, _):
        random = self._random
        low = random.choice([random.randint(-100, 100), round(random.uniform(-5, 5), 3)])
        high = low + random.choice([0, 1, 0.5, random.randint(0, 1000)])
        if random.random() < 0.3:
            return {"type": "number", "multipleOf": random.choice([0.01, 0.5, 2, 0.25, 10])}
        exclusive = random.random() < 0.3
        names = ("exclusiveMinimum", "exclusiveMaximum") if exclusive else ("minimum", "maximum")
        return {"type": "number"} | self._some(**{names[0]: low, names[1]: high})

    def _integer(self, _):
        low = self._random.randint(-(10 ** self._random.randint(0, 12)), 10 ** self._random.randint(0, 12))
        high = low + self._random.randint(0, 10 ** self._random.randint(0, 6))
        more = {"multipleOf": self._random.randint(1, 12)} if self._random.random() < 0.2 else {}
        if more:
            low, high = low % 100, low % 100 + 200
        return {"type": "integer", **more} | self._some(minimum=low, maximum=high)

    def _values(self, _):
        random = self._random
        values = [
            *random.sample(TEXTS, 3), random.randint(-5, 5), 1.5, None, True, False, [1, "a"], {"a": {"b": 'x"'}}, -0.25,
        ]  # fmt: skip
        if random.random() < 0.3:
            return {"const": random.choice(values)}
        return {"enum": random.sample(values, random.randint(1, 4))}

    def _object(self, depth):
        random = self._random
        names = random.sample(NAMES, random.randint(0, 4))
        schema = {"type": "object", "properties": {name: self.schema(depth) for name in names}}
        if random.random() < 0.7:
            extra = ["other"] if random.random() < 0.1 else []
            schema["required"] = random.sample(names, random.randint(0, len(names))) + extra
        if random.random() < 0.7:
            schema["additionalProperties"] = random.choice([False, False, True, self.schema(depth)])
        if random.random() < 0.1:
            schema["patternProperties"] = {random.choice(["^x-", "^[0-9]+$", "^a"]): self.schema(depth)}
        if random.random() < 0.15:
            schema["minProperties"] = random.randint(0, 3)
        if random.random() < 0.1:
            schema["maxProperties"] = random.randint(1, 4)
        if random.random() < 0.1:
            del schema["type"]
        return schema

    def _array(self, depth):
        random, least = self._random, self._random.randint(0, 2)
        schema = {"type": "array"} | self._some(minItems=least, maxItems=least + random.randint(0, 3))
        if random.random() < 0.8:
            schema["items"] = self.schema(depth)
        if random.random() < 0.3:
            schema["prefixItems"] = [self.schema(depth) for _ in range(random.randint(1, 3))]
        return schema

    def _any_of(self, depth):
        extra = self._object(depth) if self._random.random() < 0.2 else {}
        return extra | {"anyOf": [self.schema(depth) for _ in range(self._random.randint(1, 3))]}

    def _all_of(self, depth):
        extra = self._object(depth) if self._random.random() < 0.2 else {}
        return extra | {"allOf": [self.schema(depth) for _ in range(self._random.randint(1, 2))]}

    def _one_of(self, depth):
        if self._random.random() < 0.4:
            return {"oneOf": [self.schema(depth) for _ in range(self._random.randint(1, 3))]}
        branches = []
        for number in range(self._random.randint(1, 3)):
            branch = self._object(depth)
            branch["properties"] = {"kind": {"const": f"k{number}"}, **branch["properties"]}
            branch["properties"]["kind"] = {"const": f"k{number}"}
            branch["required"] = ["kind", *(name for name in branch.get("required", []) if name != "kind")]
            branches.append(branch)
        return {"oneOf": branches}

    def _reference(self, _):
        name = self._random.choice(self._names)
        more = {"minLength": 1} if self._random.random() < 0.1 else {}
        return {"$ref": f"#/DEFS/{name}", **more} if self._random.random() < 0.9 else {"$ref": "#"}
