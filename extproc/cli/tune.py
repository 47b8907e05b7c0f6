"""`intentmesh tune`: what to change in a mesh.yaml: its examples, the thresholds of its guardrails."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from extproc.cli.lazy import Lazy, LazyGroup
from extproc.cli.shortened import shortened
from extproc.cli.tune_feedback import heard, told
from extproc.errors import ConfigError
from extproc.feedback import read_feedback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.cli.tune_feedback import Heard
    from extproc.config import Mesh
    from extproc.embedding.encoders import Encoders
    from extproc.intent.advice import Advice
    from extproc.intent.examples import Examples
    from extproc.intent.expectation import Expected
    from extproc.intent.gaps import Gap

MOST_REHEARSED = 3000
"""Examples up to which it is told what is to be expected of each intent."""


class _Tune(LazyGroup):
    """What is named first is tuned; else the examples are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.lazy, *ctx.help_option_names):
            args = ["examples", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Tune,
    lazy={
        "examples": Lazy("tune", "tune_examples", "Say which examples to change (the default)."),
        "guardrails": Lazy(
            "tune_guardrails", "tune_guardrails", "Set the threshold of a guardrail by your own traffic."
        ),
    },
)
def tune() -> None:
    """Say what to change in a mesh.yaml: in its examples, which is the default, or in the threshold of a guardrail.

    \b
    intentmesh tune mesh.yaml
    intentmesh tune guardrails mesh.yaml --sample texts.jsonl
    """  # noqa: D301 - click asks for this backslash as a character


@click.command("examples")
@click.argument("file", type=click.Path(path_type=Path), default=Path("mesh.yaml"))
@click.option(
    "--sample",
    type=click.Path(path_type=Path),
    help='Your texts, JSONL with "text" or a text a line: what `pii.allow` and `pii.deny` could hold, and what no intent has.',
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def tune_examples(file: Path, sample: Path | None, as_json: bool) -> None:
    """Look at the examples in a mesh.yaml, and say which ones to change. FILE: by default ./mesh.yaml.

    Examples that read like another intent's; intents that are taken for one another when an example is held out;
    examples of different intents that say the same; duplicates; outliers; intents with few examples; and what twice as
    many examples would bring.
    """
    from extproc.config import load  # noqa: PLC0415 - loads pydantic's models
    from extproc.embedding.encoders import Encoders  # noqa: PLC0415 - loads the model
    from extproc.intent.advice import advise  # noqa: PLC0415
    from extproc.intent.examples import Examples  # noqa: PLC0415

    mesh = load(file)
    if sample is not None:
        from extproc.cli.sample import as_data, suggestions, texts_of  # noqa: PLC0415
        from extproc.pii.sample import survey  # noqa: PLC0415

        sample_survey = survey(texts_of(sample), mesh.pii)
        data = {name: as_data(sample_survey)[name] for name in ("allow", "deny")}
        report = "\n".join(suggestions(sample_survey)).lstrip() or "nothing to allow or to deny"
        if any(intent.examples or intent.examples_file for intent in mesh.intents.values()):
            missing = _gaps(mesh, list(texts_of(sample)))
            data["intents"] = [asdict(gap) for gap in missing]
            report += "".join(f"\n{line}" for gap in missing for line in _gap_lines(gap))
        click.echo(json.dumps(data, ensure_ascii=False) if as_json else report)
        return
    examples = Examples.of_mesh(mesh)
    if not examples.texts:
        raise ConfigError(f"{file}: no intent has examples; rules need no tuning")
    encoders = Encoders.load(mesh.classifier.encoder)
    advice = advise(
        encoders, examples, mesh.classifier.transformer_tokens, lambda message: click.echo(message, err=True)
    )
    expected = _expected(mesh, encoders, examples)
    heard_of = _heard(mesh)
    if as_json:
        data = asdict(advice) | {"expected": [asdict(one) for one in expected]}
        click.echo(json.dumps(data | ({"feedback": asdict(heard_of)} if heard_of is not None else {})))
        return
    lines = [*_lines(advice), *map(_expected_line, expected), *(told(heard_of) if heard_of is not None else ())]
    click.echo("\n".join(lines))


def _expected(mesh: Mesh, encoders: Encoders, examples: Examples) -> list[Expected]:
    """Of every intent; of many examples it would take minutes, and says what `eval intents` measures better."""
    if len(examples.texts) > MOST_REHEARSED:
        return []
    from extproc.embedding.places import cache_folder  # noqa: PLC0415 - loads numpy
    from extproc.intent.expectation import expectations  # noqa: PLC0415
    from extproc.intent.material import Budget  # noqa: PLC0415
    from extproc.intent.table import table_of  # noqa: PLC0415

    settings = mesh.classifier
    table = table_of(encoders.main, cache_folder(), lambda message: click.echo(message, err=True))
    budget = Budget(settings.token_budget, settings.transformer_tokens)
    return expectations(encoders, table, examples, budget, settings.target_precision)


def _expected_line(one: Expected) -> str:
    where = {"all": "", "en": " (in English)", "other": " (in other languages)"}[one.language]
    line = f"expected     {one.intent}{where}: {one.coverage:.0%} of what means it reaches it"
    if one.precision is not None:
        line += f", {one.precision:.0%} of what it is given means it"
    if one.culprit is not None:
        line += f"; {one.culprit} takes {one.taken:.0%}"
    if one.with_more is not None and one.with_more > one.coverage:
        line += f"; with three more examples {one.with_more:.0%} would"
    return line


def _heard(mesh: Mesh) -> Heard | None:
    """What callers say of texts, where the mesh keeps that."""
    if mesh.feedback is None or not (entries := read_feedback(mesh.feedback.file)):
        return None
    from extproc.intent import Classifier  # noqa: PLC0415 - loads the model

    classifier = Classifier(mesh, report=lambda message: click.echo(message, err=True))
    try:
        return heard(entries, classifier)
    finally:
        classifier.close()


def _gaps(mesh: Mesh, texts: list[str]) -> list[Gap]:
    """What the texts ask for that no intent has."""
    from extproc.intent import Classifier  # noqa: PLC0415 - loads the model
    from extproc.intent.gaps import gaps  # noqa: PLC0415

    classifier = Classifier(mesh, report=lambda message: click.echo(message, err=True))
    try:
        return gaps(classifier, texts)
    finally:
        classifier.close()


def _gap_lines(gap: Gap) -> Iterator[str]:
    near = f", nearest to {gap.near}" if gap.near else ""
    yield f"asked for    {gap.count} texts alike that reach no intent{near}: an intent of their own, or examples of that one?"
    for text in gap.texts:
        yield f"               {_quoted(text)}"


def _quoted(text: str) -> str:
    return repr(shortened(text))


def _lines(advice: Advice) -> Iterator[str]:
    if advice.accuracy is None:
        yield "accuracy     cannot be estimated: every intent has one example"
    else:
        yield f"accuracy     {advice.accuracy:.1%} of held-out examples are taken for what they are"
        yield f"             {advice.accuracy_with_half:.1%} when learned from half of them"
        yield f"             {advice.accuracy_with_double:.1%} is to be expected of twice as many"
    for wrong in advice.mislabelled:
        yield f"mislabelled? {wrong.intent}: {_quoted(wrong.example)} reads like {wrong.taken_for}; move or remove it"
    for confusion in advice.confused:
        yield (
            f"confused     {confusion.intent} is taken for {confusion.taken_for}: "
            f"{confusion.count} of {confusion.of} examples; give both what tells them apart"
        )
    for cost in advice.costs:
        yield f"cost         `{cost.culprit}` costs `{cost.intent}` {cost.share:.0%} of what would reach it; tell the two apart"
    for pair in advice.contradictions:
        yield (
            f"contradict   {pair.first.intent}: {_quoted(pair.first.example)} and "
            f"{pair.second.intent}: {_quoted(pair.second.example)} are alike ({pair.cosine:.2f})"
        )
    for pair in advice.duplicates:
        yield f"duplicate    {pair.first.intent}: {_quoted(pair.first.example)} and {_quoted(pair.second.example)}; one is enough"
    for place in advice.outliers:
        yield f"outlier      {place.intent}: {_quoted(place.example)} is unlike its intent; move it, or add others like it"
    for name in advice.few:
        yield f"few          {name} has fewer than five examples; three to five more help most"
    if not any(
        (advice.mislabelled, advice.confused, advice.contradictions, advice.duplicates, advice.outliers, advice.few)
    ):
        yield "nothing to change"
