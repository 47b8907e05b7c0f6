"""`intentmesh eval intents`: how well the classifier would do on rows of your own."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from extproc.config.examples import read_rows
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from extproc.intent.cascade import Cascade
    from extproc.intent.measure import Row

_PATH = click.Path(path_type=Path)


@click.command("intents")
@click.option(
    "--train", type=_PATH, help='Examples: rows {"text", "intent"}; of rows with a "split", those of "train".'
)
@click.option("--mesh", type=_PATH, help="Take the examples and the classifier's settings from this mesh.yaml instead.")
@click.option(
    "--test", type=_PATH, required=True, help='Rows to decide; "intent" null is out of scope; "split" "test".'
)
@click.option(
    "--per-intent",
    type=click.IntRange(min=1),
    help="Learn from so many examples of each intent, evenly spaced in the file.",
)
@click.option(
    "--target-precision",
    type=click.FloatRange(0.5, 1, True, True),
    default=0.95,
    show_default=True,
    help="Of what is accepted, the share that must be right: sets the threshold.",
)
@click.option("--encoder", default="auto", show_default=True, help="As `classifier.encoder` of a mesh.yaml.")
@click.option(
    "--out-of-scope/--no-out-of-scope", "outside", help="Learn from the training rows whose intent is null, too."
)
@click.option("--plots", type=_PATH, help="Folder for confusion.png and reliability.png.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def eval_intents(
    train: Path | None,
    mesh: Path | None,
    test: Path,
    per_intent: int | None,
    target_precision: float,
    encoder: str,
    outside: bool,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Learn from one set of rows, classify another, and report the results.

    Accuracy and macro F1 are of the most likely intent of in-scope rows, accepted or not. Coverage, precision and the
    stages are what would happen to traffic: an intent is given only where its score reaches the threshold.
    """
    from extproc.intent.measure import figures, measure  # noqa: PLC0415 - loads numpy and the model

    if (train is None) == (mesh is None):
        raise click.UsageError("give either --train or --mesh")
    rows = test_rows(test)
    if mesh is not None:
        cascade = _of_mesh(mesh)
    else:
        assert train is not None
        cascade = _of_rows(train, per_intent, target_precision, encoder, outside=outside)
    unknown = sorted({row.intent for row in rows if row.intent is not None} - set(cascade.examples.intents))
    if unknown:
        raise ConfigError(f"{test}: has intents without examples: {', '.join(unknown[:10])}")
    with click.progressbar(rows, label="deciding", file=sys.stderr) as bar:
        outcomes = measure(cascade, bar)
    result = figures(outcomes)
    result["examples"] = {"intents": len(cascade.examples.intents), "texts": len(cascade.examples.texts)}
    if plots is not None:
        from extproc.intent.plots import write_plots  # noqa: PLC0415 - only where it is asked for

        result["plots"] = [str(path) for path in write_plots(outcomes, plots)]
    click.echo(json.dumps(result) if as_json else _table(result))


def test_rows(path: Path) -> list[Row]:
    """Labelled rows to decide. Raises ConfigError when there are none."""
    from extproc.intent.measure import Row  # noqa: PLC0415 - loads numpy

    rows = [
        Row(row["text"], row.get("intent"))
        for row in read_rows(path)
        if row.get("split", "test") == "test" and isinstance(row.get("intent"), str | None)
    ]
    if not rows:
        raise ConfigError(f'{path}: has no row to decide (rows with a "split" count when it is "test")')
    return rows


def training_rows(path: Path, per_intent: int | None) -> tuple[dict[str, list[str]], list[str]]:
    """(intent -> examples, texts of no intent). Raises ConfigError when there are none."""
    texts: dict[str, list[str]] = {}
    outside = []
    for row in read_rows(path):
        if row.get("split", "train") != "train":
            continue
        intent = row.get("intent")
        if intent is None:
            outside.append(row["text"])
        else:
            texts.setdefault(intent, []).append(row["text"])
    if not texts:
        raise ConfigError(f'{path}: has no example (rows with a "split" count when it is "train")')
    texts = _without_contradictions(texts)
    if per_intent is not None:
        texts = {intent: _evenly(some, per_intent) for intent, some in texts.items()}
    return texts, outside


def _without_contradictions(texts: dict[str, list[str]]) -> dict[str, list[str]]:
    """A text that stands in several intents stays where it stands most often; where that is not one intent, nowhere."""
    places: dict[str, Counter[str]] = {}
    for intent, some in texts.items():
        for text in some:
            places.setdefault(" ".join(text.split()), Counter())[intent] += 1
    owners = {}
    for plain, counts in places.items():
        (first, most), *others = counts.most_common(2)
        owners[plain] = None if others and others[0][1] == most else first
    torn = sum(len(counts) > 1 for counts in places.values())
    if not torn:
        return texts
    _tell(f"{torn} texts stand in several intents; each is learned where it stands most often, or not at all")
    clear = {name: [text for text in some if owners[" ".join(text.split())] == name] for name, some in texts.items()}
    return {name: some for name, some in clear.items() if some}


def _evenly(texts: list[str], most: int) -> list[str]:
    count = min(most, len(texts))
    return [texts[len(texts) * i // count] for i in range(count)]


def _of_rows(path: Path, per_intent: int | None, target: float, encoder: str, *, outside: bool) -> Cascade:
    from extproc.embedding.encoders import Encoders  # noqa: PLC0415 - loads the model
    from extproc.embedding.places import cache_folder  # noqa: PLC0415
    from extproc.intent.cascade import Cascade  # noqa: PLC0415
    from extproc.intent.examples import Examples  # noqa: PLC0415
    from extproc.intent.material import Budget  # noqa: PLC0415

    texts, without = training_rows(path, per_intent)
    examples = Examples.of_texts(texts, without if outside else [])
    return Cascade.build(Encoders.load(encoder), examples, Budget(), target, _tell, cache_folder())


def _of_mesh(path: Path) -> Cascade:
    from extproc.config import load  # noqa: PLC0415 - loads pydantic's models
    from extproc.intent import Classifier  # noqa: PLC0415

    classifier = Classifier(load(path), report=_tell)
    if classifier.cascade is None:
        raise ConfigError(f"{path}: no intent has examples; there is nothing to measure but rules")
    return classifier.cascade


def _tell(message: str) -> None:
    click.echo(message, err=True)


def _table(result: dict[str, Any]) -> str:
    time = result["microseconds"]
    lines = [
        ("learned from", f"{result['examples']['texts']} examples of {result['examples']['intents']} intents"),
        ("decided", f"{result['rows']['in_scope']} in scope, {result['rows']['out_of_scope']} out of scope"),
        (
            "accuracy",
            f"{_percent(result['accuracy'])} (transformer alone {_percent(result['accuracy_transformer_alone'])})",
        ),
        ("macro F1", _percent(result["macro_f1"])),
        ("out-of-scope AUROC", _plain(result["out_of_scope_auroc"])),
        ("calibration error", _plain(result["expected_calibration_error"])),
        ("coverage", f"{_percent(result['coverage'])} of in-scope texts are given an intent"),
        ("precision", f"{_percent(result['precision_of_accepted'])} of what is given an intent is right"),
        ("wrongly accepted", f"{_percent(result['out_of_scope_accepted'])} of out-of-scope texts"),
        ("static stage", f"decides {_percent(result['stages']['static'])} of in-scope texts"),
        ("transformer", f"is asked for {_percent(result['transformer_share'])} of them"),
        ("  half of it", f"decides {_percent(result['halfway_share'])}"),
        (
            "abstain band",
            (
                f"{result['abstain_band']['from']} to {result['abstain_band']['to']}: "
                f"{_percent(result['abstain_band']['in_scope'])} of in-scope, "
                f"{_percent(result['abstain_band']['out_of_scope'])} of out-of-scope texts"
            ),
        ),
        ("microseconds a text", f"mean {time['cascade']['mean']:.0f}, p99 {time['cascade']['p99']:.0f}"),
        (
            "  transformer alone",
            f"mean {time['transformer_alone']['mean']:.0f}, p99 {time['transformer_alone']['p99']:.0f}",
        ),
    ]
    lines += [("plot", path) for path in result.get("plots", ())]
    return "\n".join(f"{name:<20} {value}" for name, value in lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
