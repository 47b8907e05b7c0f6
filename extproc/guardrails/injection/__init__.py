"""Prompt injections and jailbreaks: a cheap stage over every window of a text, and a head on the encoder's middle layer."""
