"""`intentmesh tune guardrails`: a threshold from texts of your own without labels, or from the scores of `mode: monitor`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.guardrails.injection.check import InjectionCheck

ENOUGH = 5
"""Texts above a threshold that make it more than chance."""


@click.command("guardrails")
@click.argument("file", type=click.Path(path_type=Path), default=Path("mesh.yaml"))
@click.option(
    "--sample",
    type=click.Path(path_type=Path),
    required=True,
    help='JSONL with "text" (and "where"), a text a line, or an audit trail with the scores of `mode: monitor`.',
)
@click.option("--guardrail", help="Its name in FILE. Default: the first of the kind `injection`.")
@click.option(
    "--false-alarms",
    type=click.FloatRange(0, 0.5, min_open=True),
    help="The share of the sample that may be flagged. Default: the guardrail's own, or 0.01.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def tune_guardrails(
    file: Path, sample: Path, guardrail: str | None, false_alarms: float | None, *, as_json: bool
) -> None:
    """Set the threshold of a guardrail by your own traffic. FILE: by default ./mesh.yaml.

    Nearly all of the sample should be harmless: what is an attack in it makes the threshold higher than it need be. No text is
    printed or kept.
    """
    from extproc.cli.eval_guardrails import check_of  # noqa: PLC0415 - `--help` stays quick
    from extproc.config import load  # noqa: PLC0415
    from extproc.config.guardrails import InjectionGuard  # noqa: PLC0415
    from extproc.guardrails.injection.check import DEFAULT_FALSE_ALARMS  # noqa: PLC0415

    guards = {name: guard for name, guard in load(file).guardrails.items() if isinstance(guard, InjectionGuard)}
    check = check_of(file, guardrail)
    name = guardrail or next(iter(guards))
    rate = false_alarms or guards[name].false_alarms or DEFAULT_FALSE_ALARMS
    report = figures(scores_of(sample, name, check), rate) | {"guardrail": name, "thresholds_now": check.thresholds}
    click.echo(json.dumps(report) if as_json else "\n".join(_lines(report)))


def scores_of(path: Path, name: str, check: InjectionCheck) -> list[tuple[float, bool]]:
    """Of each text or request of a sample: its score, and whether it is flagged as things are. Raises ConfigError."""
    from extproc.guardrails.measure import SIDE_OF_WHERE  # noqa: PLC0415 - see above

    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    scores = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _row(line) if path.suffix == ".jsonl" or line.lstrip().startswith("{") else {"text": line}
        verdicts = row.get("verdicts")
        if isinstance(verdicts, list):
            of_line = [v["score"] for v in verdicts if _is_of(v, name)]
            scores += [(max(of_line), max(of_line) >= max(check.thresholds.values()))] if of_line else []
            continue
        text, where = row.get("text"), row.get("where") or "direct"
        if not isinstance(text, str) or where not in SIDE_OF_WHERE:
            raise ConfigError(
                f'{path}: line {number}: neither {{"text": "...", "where": "direct"}} nor a line of an audit trail'
            )
        side = SIDE_OF_WHERE[where]
        score = check.detector.score(text, side).score
        scores.append((score, score >= check.thresholds[side]))
    if not scores:
        raise ConfigError(f"{path}: holds no text, and no score of the guardrail `{name}`")
    return scores


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _is_of(verdict: Any, name: str) -> bool:
    return (
        isinstance(verdict, dict)
        and verdict.get("step") == "guardrails"
        and verdict.get("reason") == name
        and isinstance(verdict.get("score"), int | float)
    )


def figures(scored: list[tuple[float, bool]], rate: float) -> dict[str, Any]:
    """The threshold that flags no more than a share of a sample."""
    scores = sorted((score for score, _ in scored), reverse=True)
    allowed = int(rate * len(scores))
    # just above the first score that may not be flagged
    threshold = min(0.9999, round(scores[min(allowed, len(scores) - 1)] + 0.0001, 4))
    return {
        "texts": len(scores),
        "false_alarms": rate,
        "threshold": threshold,
        "flagged": sum(score >= threshold for score in scores),
        "flagged_now": sum(now for _, now in scored),
        "enough": allowed >= ENOUGH,
        "median": round(scores[len(scores) // 2], 4),
    }


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"{report['texts']} texts; half of them score below {report['median']}"
    yield f"now        {report['flagged_now']} are flagged"
    yield f"suggested  guardrails.{report['guardrail']}: {{threshold: {report['threshold']}}}  flags {report['flagged']} of them"
    if not report["enough"]:
        needed = round(ENOUGH / report["false_alarms"])
        yield f"           from few texts: for {report['false_alarms']:.2%} false alarms, {needed} or more say something"
