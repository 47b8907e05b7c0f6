"""Which personal data is looked for, and what is done with it."""

from __future__ import annotations

import importlib
from typing import Literal

from pydantic import Field, field_validator

from extproc.config.fields import MeshPath
from extproc.config.names import NameSettings
from extproc.config.operators import Operator
from extproc.config.section import Section

Pack = Literal["extended", "us", "ca", "uk", "eu", "latam", "apac", "mea"]
PACKS: tuple[Pack, ...] = ("extended", "us", "ca", "uk", "eu", "latam", "apac", "mea")
"""`extended`: what is personal only in some trades (URLs, postcodes, BIC, plates by any label, places, firms)."""


class RecognizerSettings(Section):
    """A recognizer of the user's own, as `{entity: STAFF_ID, pattern: 'ACME-[0-9]{6}'}`."""

    entity: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")
    """Entity type in capitals; a new one, or one that exists already."""
    pattern: str = Field(min_length=1, max_length=2000)
    """RE2 syntax: no look-around and no back-references, and so linear time whatever the text."""
    checksum: str | None = None
    """`luhn`, or a python-stdnum module such as `iso7064.mod_97_10` or `pl.pesel`: values that fail it are left alone."""
    labels: tuple[str, ...] = ()
    """Words that announce the value; where there are any and `score` is below 0.5, only labelled values are found."""
    score: float = Field(default=0.8, gt=0, le=1)
    ignore_case: bool = False
    example: str = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        return _re2(pattern)

    @field_validator("checksum")
    @classmethod
    def _exists(cls, name: str | None) -> str | None:
        if name is None:
            return None
        try:
            importlib.import_module(f"stdnum.{name}").is_valid  # noqa: B018 - to see that it is there
        except (ImportError, AttributeError):
            raise ValueError(
                f"there is no checksum `{name}`; give `luhn`, `verhoeff`, or a module of python-stdnum, as `pl.pesel`"
            ) from None
        return name


def _re2(pattern: str) -> str:
    """The pattern, if RE2 takes it. Raises ValueError with RE2's own words."""
    import re2  # noqa: PLC0415 - loaded only where somebody has patterns of their own

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        message = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"is not a pattern that RE2 takes: {message} (no look-around, no back-references)") from None
    return pattern


class PiiSettings(Section):
    """The `pii` section. Without one, every type of the global set is replaced by a placeholder and restored."""

    entities: dict[str, Operator] = Field(default_factory=dict)
    """Entity type -> operator, as `replace` or `{operator: mask, keep_last: 4}`; a type
    that is not named here has `default_operator`. Naming a type switches it on."""
    default_operator: Operator = Field(default_factory=Operator)
    packs: tuple[Pack, ...] = ()
    """Region packs, and `extended`. Without any: the global set, and of every region what a checksum or a shape gives away."""
    recognizers: tuple[RecognizerSettings, ...] = ()
    """Recognizers of your own."""
    allow: tuple[str, ...] = ()
    """Values that are never personal data (case aside): your own hotline, an address in a template."""
    allow_patterns: tuple[str, ...] = ()
    """The same as RE2 patterns that match a whole value: '.*@example\\.com'."""
    deny: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Entity type -> words that are always found as it (whole words, case aside)."""
    names: NameSettings = Field(default_factory=NameSettings)
    """How people, places, organisations and street addresses are found."""
    remember_texts: int = Field(default=4096, ge=0)
    """Texts whose findings are kept (positions and types under a keyed digest, nothing of the text): a conversation sends all
    that was said again with every turn, and none of it is searched twice. 0: every text is."""
    min_score: float = Field(default=0.5, ge=0, le=1)
    """Findings below this score are left alone."""
    restore: bool = True
    """Put the originals back into the answer."""
    enabled: bool = True
    tolerant: bool = True
    """Restore placeholders that the model wrote with a small slip too: `[email address 1]`, `EMAIL_ADDRESS_1]`."""
    restore_in_urls: bool = False
    """Put originals back into any URL of an answer. Default: only where the request held the value in a URL of that host, and
    in `mailto:` and `tel:`: whoever renders `![](https://elsewhere.example/?q=[EMAIL_ADDRESS_1])` would send it there."""
    key_file: MeshPath | None = None
    """File with the secret (16 bytes or more) from which the keys of `hash`, of `encrypt` and of the placeholders of stateful
    APIs are derived, relative to `mesh.yaml`; the same for all processors. Default: the variable INTENTMESH_KEY, else, for
    placeholders alone, a random one for as long as the processor runs."""
    hash_key_file: MeshPath | None = None
    """File with a key for the operator `hash` alone. Default: the variable INTENTMESH_HASH_KEY, else `key_file`."""

    @field_validator("allow_patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_re2(pattern) for pattern in patterns)
