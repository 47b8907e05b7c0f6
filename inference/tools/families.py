"""How a model writes calls: a closed list of families, told apart by what stands in the chat template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.tools import forms, harmony, invoked, marked, tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.tools.lark import Rules
    from inference.tools.offer import Offer
    from inference.tools.reader import Reader, Schemas, Steps


@dataclass(frozen=True, slots=True)
class Family:
    """One way of writing calls."""

    name: str
    signs: tuple[str, ...]
    """A template that has all of these is of this family."""
    marks: tuple[str, ...]
    """Texts that the parser must see, be they control tokens or not."""
    read: Callable[[Reader, Schemas], Steps[None]]
    write: Callable[[Sequence[tuple[str, Any]]], str]
    """Calls as text, for templates that have no place for them."""
    form: Callable[[Rules, Offer], str]
    """Calls as a rule of a grammar."""
    always: bool = False
    """Answers have this form even where no tools are offered."""
    before: str = ""
    """Text that stands before the first of the marks, where calls begin."""
    bare: bool = False
    """A call has no marker: it is an object where the answer would begin."""


_TAGS = ("<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>")
_DEEPSEEK = (
    marked.DEEPSEEK_CALLS,
    marked.DEEPSEEK_CALL,
    marked.DEEPSEEK_NAME,
    marked.DEEPSEEK_CALL_END,
    marked.DEEPSEEK_CALLS_END,
)
_MISTRAL = (marked.MISTRAL, marked.MISTRAL_ID, marked.MISTRAL_ARGUMENTS)
_PHI = (*marked.PHI, *marked.PHI_END)
_FUNCTOOLS_MARKS = ("functools[", *_PHI)
_DSML = (invoked.DSML,)
_MINIMAX = (invoked.MINIMAX, "</minimax:tool_call>")
_PHI_LIST = (*reversed(marked.PHI), *marked.PHI_END)
_PHI_SYSTEM = Family("phi", (marked.PHI_TOOLS,), _PHI, marked.read_phi, marked.write_phi, forms.phi_form)
_FUNCTOOLS = Family("phi", ("functools[",), _FUNCTOOLS_MARKS, marked.read_phi, marked.write_phi, forms.phi_form)
HERMES = Family("hermes", ("<tool_call>",), _TAGS, tagged.read_tagged, tagged.write_hermes, forms.hermes_form)
_LLAMA = (marked.PYTHON_TAG,)
FAMILIES = (
    Family(
        "harmony",
        (harmony.CHANNEL, harmony.MESSAGE),
        harmony.MARKS,
        harmony.read_harmony,
        tagged.write_hermes,
        forms.harmony_form,
        always=True,
    ),
    Family("deepseek", (_DEEPSEEK[1],), _DEEPSEEK, marked.read_deepseek, marked.write_deepseek, forms.deepseek_form),
    Family("mistral", (marked.MISTRAL,), _MISTRAL, marked.read_mistral, marked.write_mistral, forms.mistral_form),
    Family("phi", (marked.PHI[0],), _PHI, marked.read_phi, marked.write_phi, forms.phi_form),
    Family("phi", (marked.PHI[1],), _PHI_LIST, marked.read_phi, marked.write_phi, forms.phi_form),
    _PHI_SYSTEM,
    _FUNCTOOLS,
    Family("dsml", (invoked.DSML,), _DSML, invoked.read_invoked, invoked.write_dsml, forms.dsml_form, before="<"),
    Family("minimax", (invoked.MINIMAX,), _MINIMAX, invoked.read_invoked, tagged.write_hermes, forms.minimax_form),
    Family("glm", ("<tool_call>", "<arg_key>"), _TAGS, tagged.read_tagged, tagged.write_hermes, forms.glm_form),
    Family(
        "qwen-coder", ("<function=", "<parameter="), _TAGS, tagged.read_tagged, tagged.write_hermes, forms.qwen_form
    ),
    HERMES,
    Family("llama", _LLAMA, _LLAMA, marked.read_llama, marked.write_llama, forms.llama_form, bare=True),
    Family(
        "llama",
        ("<|start_header_id|>", '"parameters"'),
        _LLAMA,
        marked.read_llama,
        marked.write_llama,
        forms.llama_form,
    ),
)
"""The first that fits is the one."""


def family_of(template: str) -> Family:
    """The family of a template; where it knows no tools, the form that models know best."""
    return next((family for family in FAMILIES if all(sign in template for sign in family.signs)), HERMES)
