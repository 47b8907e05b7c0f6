"""`intentmesh mask`: text or a JSON body on stdin, the same masked on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from extproc.config import load
from extproc.config.intercept import Intercept, rule_for
from extproc.config.pii import PiiSettings
from extproc.payload import parse
from extproc.pii import Analyzer, Anonymizer
from extproc.pii.anonymizer import search


@click.command(epilog="Try: echo 'mail ada@example.org' | intentmesh mask")
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="A mesh.yaml: its `pii` section decides. Default: all replaced.",
)
@click.option(
    "-t",
    "--content-type",
    default="",
    help="How stdin is laid out, as `application/json`. Default: what it looks like.",
)
@click.option("-p", "--path", default="/", help="Path of the request: /v1/chat/completions tells texts from settings.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print texts, masked texts and entities (with positions) as JSON."
)
def mask(config: Path | None, content_type: str, path: str, *, as_json: bool) -> None:
    """Mask the personal data in a text or a body on stdin; everything else stays as it is.

    Without --content-type, what looks like JSON is read as JSON and all else as text.
    """
    mesh = load(config) if config is not None else None
    settings = mesh.pii if mesh is not None else PiiSettings()
    rule = (rule_for(mesh.intercept, None, path.partition("?")[0]) if mesh is not None else None) or _ANY
    limit = mesh.limits.max_body_bytes if mesh is not None else _LARGEST
    analyzer = Analyzer(settings)
    anonymizer = Anonymizer(settings, analyzer)
    document = parse(rule, path, content_type, "", sys.stdin.buffer.read(), max_body_bytes=limit)
    anonymized = anonymizer.anonymize(document.segments, body=document.body)
    if not as_json:
        sys.stdout.buffer.write(document.replace(anonymized.edits))
        return
    texts = [
        {
            "path": segment.path,
            "kind": segment.kind,
            "text": segment.text,
            "masked": segment.text if masked is None else masked,
            "entities": [
                {"entity_type": finding.entity_type, "start": finding.start, "end": finding.end, "score": finding.score}
                for finding in search(analyzer, segment)
            ],
        }
        for segment, masked in zip(document.segments, anonymized.texts, strict=True)
        if segment.kind == "text" or masked is not None
    ]
    counts = [
        {"entity_type": entity_type, "operator": operator, "count": count}
        for (entity_type, operator), count in anonymized.entities.items()
    ]
    click.echo(json.dumps({"texts": texts, "entities": counts}, ensure_ascii=False))


_ANY = Intercept(path_prefix="/")
_LARGEST = 256 * 2**20
