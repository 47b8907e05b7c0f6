"""`intentmesh eval pii`: precision, recall, F1 and F2 per entity type, on labelled rows of your own."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extproc.pii import Analyzer

Span = tuple[int, int, str]


@dataclass(slots=True)
class Counts:
    """Spans of one type: in the data, found, and found rightly in both senses."""

    gold: int = 0
    found: int = 0
    exact: int = 0
    overlap: int = 0

    def figures(self, right: int) -> dict[str, float]:
        """Precision, recall, F1 and F2 for a number of right findings."""
        precision = right / self.found if self.found else 0.0
        recall = right / self.gold if self.gold else 0.0
        return {
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(_f_score(precision, recall, 1.0), 4),
            "f2": round(_f_score(precision, recall, 2.0), 4),
        }


def _f_score(precision: float, recall: float, beta: float) -> float:
    weight = beta * beta
    total = weight * precision + recall
    return (1 + weight) * precision * recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Names of the data and names of ours, brought to one scheme; a name that maps to null is not scored."""

    gold: Mapping[str, str | None]
    found: Mapping[str, str | None]

    @classmethod
    def read(cls, path: Path | None, data: Path) -> LabelMap:
        """One flat object for both sides, or a scheme with `datasets` by file name and `detectors`."""
        if path is None:
            return cls({}, {})
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: is not a readable JSON file: {error}") from None
        if not isinstance(content, dict):
            raise ConfigError(f'{path}: must be a JSON object like {{"EMAIL": "EMAIL_ADDRESS"}}')
        if "datasets" in content:
            detectors = content.get("detectors", {})
            return cls(content["datasets"].get(data.name, {}), detectors.get("presidio", {}))
        for name, target in content.items():
            if target is not None and not isinstance(target, str):
                raise ConfigError(f"{path}: `{name}` must map to a type's name or null")
        return cls(content, content)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSONL file; a mistake names its line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # `splitlines` cuts at U+2028 too, which JSON may hold
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, spans = row["text"], [(s["start"], s["end"], s["label"]) for s in row["spans"]]
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f'{path}: line {number}: not {{"text": ..., "spans": [{{"start", "end", "label"}}]}}'
            ) from None
        if any(not 0 <= start < end <= len(text) for start, end, _ in spans):
            raise ConfigError(f"{path}: line {number}: a span lies outside its text")
        yield {"text": text, "spans": spans, "scope": row.get("scope") or row.get("entity_type")}


def _match(gold: Sequence[Span], predicted: Sequence[Span], *, exact: bool) -> int:
    """Pairs of equal type that are equal, or share a character; each span is used once."""
    right, used = 0, set()
    for start, end, _ in gold:
        best: tuple[int, int] | None = None
        for i, (found_start, found_end, _) in enumerate(predicted):
            shared = min(end, found_end) - max(start, found_start)
            fits = (start, end) == (found_start, found_end) if exact else shared > 0
            if fits and i not in used and (best is None or shared > best[0]):
                best = (shared, i)
        if best:
            used.add(best[1])
            right += 1
    return right


def score(path: Path, labels: LabelMap, analyzer: Analyzer) -> tuple[dict[str, Counts], dict[str, int]]:
    """Counts per type that the file annotates, and findings of types that it does not."""
    rows = list(_rows(path))

    def gold_name(name: str) -> str | None:
        return labels.gold.get(name, name)

    annotated = {gold_name(label) for row in rows for *_, label in row["spans"]} - {None}
    counts: defaultdict[str, Counts] = defaultdict(Counts)
    others: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        scope = annotated
        if row["scope"]:
            named = [row["scope"]] if isinstance(row["scope"], str) else row["scope"]
            scope = {gold_name(name) for name in named} - {None}
        gold = [(start, end, gold_name(label)) for start, end, label in row["spans"]]
        predicted = [
            (r.start, r.end, labels.found.get(r.entity_type, r.entity_type)) for r in analyzer.analyze(row["text"])
        ]
        for *_, name in predicted:
            if name is not None and name not in scope:
                others[name] += 1
        for name in scope:
            if name is None:
                continue
            here = [(start, end, name) for start, end, label in gold if label == name]
            ours = [(start, end, name) for start, end, label in predicted if label == name]
            count = counts[name]
            count.gold += len(here)
            count.found += len(ours)
            count.exact += _match(here, ours, exact=True)
            count.overlap += _match(here, ours, exact=False)
    return {name: count for name, count in counts.items() if count.gold or count.found}, dict(others)


def report(counts: Mapping[str, Counts], others: Mapping[str, int]) -> dict[str, Any]:
    """The figures as plain data, types by frequency, `all` last."""
    total = Counts(
        *(sum(getattr(c, field) for c in counts.values()) for field in ("gold", "found", "exact", "overlap"))
    )
    rows = {}
    for name, count in [*sorted(counts.items(), key=lambda item: -item[1].gold), ("all", total)]:
        rows[name] = {
            "gold": count.gold,
            "found": count.found,
            "exact": count.figures(count.exact),
            "overlap": count.figures(count.overlap),
        }
    return {"types": rows, "not_annotated": dict(sorted(others.items()))}


@click.command("pii")
@click.option("--data", type=click.Path(path_type=Path), help="JSONL: text, spans [start, end, label].")
@click.option(
    "--sample",
    type=click.Path(path_type=Path),
    help='Texts without labels instead: JSONL with "text", or a text a line. Shows what would be masked, and what nearly.',
)
@click.option(
    "--labels", type=click.Path(path_type=Path), help="JSON object: a label of the data, or a type -> its name."
)
@click.option("--config", type=click.Path(path_type=Path), help="mesh.yaml whose `pii` section is measured.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def eval_pii(data: Path | None, sample: Path | None, labels: Path | None, config: Path | None, as_json: bool) -> None:
    """Measure detection on labelled rows: precision, recall, F1, F2 per type, exact and overlap.

    A row is {"text": "...", "spans": [{"start": 3, "end": 9, "label": "EMAIL_ADDRESS"}]}, offsets in characters, end
    exclusive. A finding is wrong only where its type is annotated: in the whole file, or in the row's own "scope".
    Without --config every pack is on.

    With --sample, texts of your own need no labels: what would be masked is shown by type and evidence, and what nearly was.
    """
    from extproc.config import load  # noqa: PLC0415 - `--help` stays quick
    from extproc.config.pii import PACKS, PiiSettings  # noqa: PLC0415
    from extproc.pii import Analyzer  # noqa: PLC0415

    if (data is None) == (sample is None):
        raise click.UsageError("give either --data, rows with labels, or --sample, texts without")
    settings = load(config).pii if config else PiiSettings(packs=PACKS)
    if sample is not None:
        from extproc.cli.sample import as_data, lines, texts_of  # noqa: PLC0415
        from extproc.pii.sample import survey  # noqa: PLC0415

        findings = survey(texts_of(sample), settings)
        click.echo(json.dumps(as_data(findings), ensure_ascii=False) if as_json else "\n".join(lines(findings)))
        return
    assert data is not None
    figures = report(*score(data, LabelMap.read(labels, data), Analyzer(settings)))
    if as_json:
        click.echo(json.dumps(figures))
        return
    click.echo(f"{'type':<26}{'gold':>6}{'found':>6}   exact P     R    F1    F2   overlap P     R    F1    F2")
    for name, row in figures["types"].items():
        exact, overlap = (
            "  ".join(f"{row[kind][f]:.2f}" for f in ("precision", "recall", "f1", "f2"))
            for kind in ("exact", "overlap")
        )
        click.echo(f"{name:<26}{row['gold']:>6}{row['found']:>6}      {exact}        {overlap}")
    if figures["not_annotated"]:
        listed = ", ".join(f"{name} {count}" for name, count in figures["not_annotated"].items())
        click.echo(f"\nfound, but not annotated in this data (not counted): {listed}")
