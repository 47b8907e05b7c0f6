"""Answers of a form: a schema, a grammar or a regular expression decides which tokens may follow.

`schema`, `gbnf` and `grammar` turn what a caller sends into a `Grammar`, with every limit checked before native code
sees it; `matcher` compiles it for a model's vocabulary and masks the logits of each step.
"""
