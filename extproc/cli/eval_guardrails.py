"""`intentmesh eval guardrails`: recall, false alarms and AUROC of the detector of attacks, on labelled rows of your own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from extproc.errors import ConfigError

if TYPE_CHECKING:
    from extproc.guardrails.injection.check import InjectionCheck
    from extproc.guardrails.measure import Row


@click.command("guardrails")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help='JSONL: "text", "label", and "where", "source" if any.',
)
@click.option("--config", type=click.Path(path_type=Path), help="mesh.yaml with the guardrail to be measured.")
@click.option("--guardrail", help="Its name there. Default: the first of the kind `injection`.")
@click.option(
    "--plots", type=click.Path(path_type=Path), help="Folder for pictures: the ROC curve, and scores by label."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def eval_guardrails(
    data: Path, config: Path | None, guardrail: str | None, plots: Path | None, *, as_json: bool
) -> None:
    """Measure the detector of prompt injections and jailbreaks on labelled rows.

    A row is {"text": "...", "label": "injection", "where": "direct"}. Labels: `injection`, `jailbreak` and `attack` are
    attacks, `benign` is harmless, `unsafe` is left out: it asks for harm without attacking the model. `where` is `direct` (a
    user's text, the default), `indirect` (the result of a tool) or `document`. A `source`, where given, has figures of its own.

    benign_accuracy and attack_recall are at the threshold of the guardrail: without --config, the shipped one for one false
    alarm in a hundred. The recalls at 0.1, 1 and 5 % of false alarms are at thresholds that this very data gives.
    """
    from extproc.guardrails.measure import figures, scored  # noqa: PLC0415 - `--help` stays quick

    rows = rows_of(data)
    check = check_of(config, guardrail)
    began = time.perf_counter()
    scores = scored(rows, check.detector, check.thresholds)
    report: dict[str, Any] = {
        "rows": len(scores.scores),
        "left_out": len(rows) - len(scores.scores),
        **figures(scores),
        "thresholds": {side: round(score, 4) for side, score in check.thresholds.items()},
        "encoder_share": round(float(scores.asked.mean()), 4),
        "microseconds": round((time.perf_counter() - began) / len(scores.scores) * 1e6, 1),
    }
    if plots is not None:
        from extproc.guardrails.plots import write_plots  # noqa: PLC0415 - loads Pillow

        report["plots"] = [str(path) for path in write_plots(scores, plots)]
    click.echo(json.dumps(report, ensure_ascii=False) if as_json else table(report))


def rows_of(path: Path) -> list[Row]:
    """The rows of a file. Raises ConfigError, which names the line of a mistake."""
    from extproc.guardrails.measure import ATTACKS, HARMLESS, LEFT_OUT, SIDE_OF_WHERE, Row  # noqa: PLC0415

    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    labels = {HARMLESS, *ATTACKS, *LEFT_OUT}
    rows = []
    for number, line in enumerate(content.split("\n"), 1):  # `splitlines` would cut at U+2028 too, which JSON may hold
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, label, where = row["text"], row["label"], row.get("where") or "direct"
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f'{path}: line {number}: not {{"text": "...", "label": "...", "where": "..."}}') from None
        if not isinstance(text, str):
            raise ConfigError(f"{path}: line {number}: `text` is not a string")
        if label not in labels:
            raise ConfigError(f"{path}: line {number}: no such label; there are: {', '.join(sorted(labels))}")
        if where not in SIDE_OF_WHERE:
            raise ConfigError(f"{path}: line {number}: no such `where`; there are: {', '.join(SIDE_OF_WHERE)}")
        rows.append(Row(text, label, where, str(row.get("source") or "")))
    if not any(row.label not in LEFT_OUT for row in rows):
        raise ConfigError(f"{path}: holds no row to measure")
    return rows


def check_of(config: Path | None, name: str | None) -> InjectionCheck:
    """The check of a guardrail of the kind `injection`. Raises ConfigError where there is none."""
    from extproc.config.guardrails import InjectionGuard  # noqa: PLC0415 - loads pydantic's models
    from extproc.guardrails.injection.check import InjectionCheck  # noqa: PLC0415 - loads the encoder

    if config is None:
        if name is not None:
            raise click.UsageError("--guardrail names one of a mesh.yaml: give it with --config")
        return InjectionCheck(InjectionGuard(kind="injection"))
    from extproc.config import load  # noqa: PLC0415

    known = {key: guard for key, guard in load(config).guardrails.items() if isinstance(guard, InjectionGuard)}
    if not known or (name is not None and name not in known):
        name_and_kind = f"`{name}` of the kind `injection`" if name else "of the kind `injection`"
        raise ConfigError(f"{config}: there is no guardrail {name_and_kind}; there are: {', '.join(known) or 'none'}")
    return InjectionCheck(known[name or next(iter(known))])


def table(figures: dict[str, Any]) -> str:
    """For people."""
    lines = [f"rows          {figures['rows']}" + (f", {figures['left_out']} left out" if figures["left_out"] else "")]
    lines += [
        f"AUROC         {_plain(figures['auroc'])}",
        *(
            f"recall        {_percent(recall)} of attacks at {float(rate):.1%} false alarms"
            for rate, recall in figures["recall_at_false_alarms"].items()
        ),
        f"at threshold  {', '.join(f'{side} {score}' for side, score in figures['thresholds'].items())}",
        (
            f"              {_percent(figures['attack_recall'])} of attacks are found, "
            f"{_percent(figures['benign_accuracy'])} of harmless texts left alone"
        ),
        f"encoder       asked for {figures['encoder_share']:.1%} of texts; {figures['microseconds']:.0f} us a text",
        "",
        f"{'source':<24}{'attacks':>8}{'benign':>8}{'AUROC':>8}{'at 1 %':>8}{'found':>8}{'alone':>8}",
    ]
    for source, row in figures["sources"].items():
        lines.append(
            f"{source or '(none)':<24}{row['attacks']:>8}{row['benign']:>8}{_plain(row['auroc']):>8}"
            f"{_percent(row['recall_at_false_alarms']['0.01']):>8}{_percent(row['attack_recall']):>8}"
            f"{_percent(row['benign_accuracy']):>8}"
        )
    lines += [f"plot          {path}" for path in figures.get("plots", ())]
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
