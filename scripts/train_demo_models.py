"""Train the three demo models that `inference/demo/` holds, on one core.

pip install -e .[train]
python -m scripts.train_demo_models
"""

from __future__ import annotations

from pathlib import Path

import click

from scripts.demo_models.training import Plan, train


@click.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("inference/demo"), show_default=True
)
@click.option("--minutes", default=Plan.minutes, show_default=True)
@click.option("--rate", default=Plan.peak_rate, show_default=True, help="The learning rate to start with.")
@click.option("--earlier", type=click.Path(exists=True, path_type=Path), help="A folder of demo models to train on.")
@click.option("--seed", default=Plan.seed, show_default=True)
def main(out: Path, minutes: float, rate: float, earlier: Path | None, seed: int) -> None:
    """Train the demo models for so many minutes and write them to the folder OUT."""
    out.mkdir(parents=True, exist_ok=True)
    train(out, Plan(minutes=minutes, peak_rate=rate, seed=seed), earlier)


if __name__ == "__main__":
    main()
