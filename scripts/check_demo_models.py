"""Print how well the demo models answer: one line of JSON each.

python -m scripts.check_demo_models --cases 500
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from scripts.demo_models.corpus import DOMAINS
from scripts.demo_models.evaluation import DemoModel, Share, copy_share, fitting_share, held_out

_ROOT = Path(__file__).parents[1]
_PROMPTS = _ROOT / "tests/quality/demo_prompts.toml"


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(DOMAINS)))
@click.option("--folder", type=click.Path(exists=True, path_type=Path), default=_ROOT / "inference/demo")
@click.option("--cases", default=100, show_default=True, help="Questions with random placeholders.")
@click.option("--show-failures", is_flag=True)
def main(names: tuple[str, ...], folder: Path, cases: int, show_failures: bool) -> None:
    """Judge the demo models NAMES (all of them, if none is named)."""
    for name in names or DOMAINS:
        model = DemoModel(folder / f"{name}.gguf")
        own, beyond = held_out(_PROMPTS, name), held_out(_PROMPTS, "beyond")
        questions = [question for question, _ in own]
        shares = {
            "held_out": fitting_share(model, own),
            "held_out_temperature_1": fitting_share(model, own, temperature=1.0),
            "beyond": fitting_share(model, beyond),
            "beyond_temperature_1": fitting_share(model, beyond, temperature=1.0),
            "copied": copy_share(model, questions, cases),
            "copied_temperature_1": copy_share(model, questions, cases // 2, temperature=1.0),
        }
        model.close()
        print(json.dumps({"model": name, "cases": cases} | {key: _figure(share) for key, share in shares.items()}))
        if show_failures:
            for key, share in shares.items():
                print(*(f"  {key}: {failure!r}" for failure in share.failures[:12]), sep="\n")


def _figure(share: Share) -> str:
    return f"{share.right}/{share.total}"


if __name__ == "__main__":
    main()
