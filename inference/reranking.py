"""Reranking: a query and its documents to prompts of a cross-encoder, and scores to an answer. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.generation import Vector
    from inference.model import Model
    from inference.protocol import RerankBody


def prompt_of(model: Model, query: str, document: str) -> list[int]:
    """Tokens of a pair, as the model was trained on: by its own template, or with its markers between."""
    if (template := model.rerank_template) is not None:
        text = template.replace("{query}", query).replace("{document}", document)
        return model.tokenize(text, special=True, begin=True)
    first, end, separator = model.pair_markers()
    tokens = [*first, *model.tokenize(query, special=False, begin=False), *end]
    return [*tokens, *separator, *model.tokenize(document, special=False, begin=False), *end]


def ranking(model: str, body: RerankBody, vectors: Sequence[Vector]) -> dict[str, Any]:
    """The answer of /v1/rerank: the best first. A score is the model's own number, of no fixed range."""
    scores = [float(vector.values[0]) for vector in vectors]
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    results = []
    for index in order[: body.top_n]:
        result: dict[str, Any] = {"index": index, "relevance_score": scores[index]}
        if body.return_documents:
            result["document"] = {"text": body.texts[index]}
        results.append(result)
    tokens = sum(vector.tokens for vector in vectors)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": model, "results": results, "usage": usage}


def check_ranks(model: Model) -> None:
    """Raise unless the model ranks."""
    if not model.ranks:
        raise InvalidRequestError("this server's model ranks no documents: it is no reranker", param="model")
