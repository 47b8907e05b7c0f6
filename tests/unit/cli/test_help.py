"""`--help` as a reader sees it."""

import click
import pytest
from click.testing import CliRunner

from extproc.cli import cli


def commands(group, path=()):
    """Every command, those of groups too, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("words", list(commands(cli)), ids=" ".join)
def test_help_teaches(words):
    """Says what the command does and what each option means, examples on lines of their own, no mark-up left over."""
    result = CliRunner().invoke(cli, [*words, "--help"], prog_name="intentmesh", terminal_width=100)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Usage: intentmesh {' '.join(words)}")
    assert "\\b" not in result.output
    assert "\b" not in result.output
    examples = [line.strip() for line in result.output.splitlines() if line.strip().startswith("intentmesh ")]
    assert all(line.count("intentmesh ") == 1 for line in examples)


GROUPS = sorted({words[:-1] for words in commands(cli)} - {()})


def test_every_option_is_explained():
    """An option without a word of help is one that nobody dares to use."""
    silent = []
    for words in commands(cli):
        command = cli
        for word in words:
            command = command.get_command(click.Context(command), word)
        silent += [(*words, p.name) for p in command.params if isinstance(p, click.Option) and not p.help]
    assert not silent


@pytest.mark.parametrize("words", [(), *GROUPS], ids=" ".join)
def test_lists_of_commands_are_read_whole(words):
    """On a terminal of 80 columns, a line for each."""
    result = CliRunner().invoke(cli, [*words, "--help"], prog_name="intentmesh", terminal_width=80)
    lines = result.output.split("Commands:\n")[1].rstrip("\n").split("\n")
    assert all(line[2] != " " and line.endswith(".") and not line.endswith("...") for line in lines), result.output
