"""What README and docs say to type is what the commands take, and what they link to is there."""

import re
import shlex
from pathlib import Path

import click
import pytest

from extproc.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"(?:^|(?<=`)|(?<=\$ )|(?<=\| )|(?<=sudo )|(?<=bin/))intentmesh [^\n`|<>&]+", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")
TARGET = re.compile(r"(?:^|`)make ([a-z][a-z-]+)(?:`|\s|$)", re.MULTILINE)


def commands(text):
    """Each command of ours as a reader would type it, without comments and what may be left out."""
    for match in COMMAND.finditer(text):
        yield re.sub(r"\[[^\]]*\]", "", re.sub(r"\s#.*", "", match[0])).strip()


def problem(command):
    """What is wrong with a command; None: nothing."""
    words, taken = shlex.split(command)[1:], cli
    while isinstance(taken, click.Group) and words:
        context = click.Context(taken)
        found = taken.get_command(context, words[0])
        if found is None and "examples" in taken.list_commands(context):  # of `tune`
            found = taken.get_command(context, "examples")
            words = ["examples", *words]
        if found is None:
            return f"no command `{words[0]}`"
        taken, words = found, words[1:]
    if isinstance(taken, click.Group):
        return None
    try:
        _, more, _ = taken.make_parser(click.Context(taken)).parse_args(words)
    except click.UsageError as error:
        return str(error)
    return f"too many arguments: {more}" if more else None


def anchors(page):
    """What may stand behind the `#` of a link to a page."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_holds(page):
    """Its commands are taken, its links lead somewhere, its targets of make are there."""
    text, wrong = page.read_text(), []
    wrong += [f"{command}: {what}" for command in commands(text) if (what := problem(command))]
    for path, anchor in LINK.findall(text):
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists() or (anchor and goal.suffix == ".md" and anchor not in anchors(goal)):
            wrong.append(f"no {path}{anchor}")
    targets = re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    wrong += [f"make {target}" for target in TARGET.findall(text) if target not in targets]
    assert wrong == []


@pytest.mark.parametrize(
    "command",
    [
        "intentmesh rendr envoy",
        "intentmesh render envoy mesh.yaml",
        "intentmesh check --jsn",
        "intentmesh eval pi --data x",
    ],
)
def test_a_mistake_is_seen(command):
    """The check of the pages can fail."""
    assert problem(command)
