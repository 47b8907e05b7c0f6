"""What `scripts/train_guardrails.py` is made of: texts from grammars and public sources, and how both stages are fitted."""
