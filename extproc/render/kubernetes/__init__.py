"""Kubernetes objects as plain data, made by functions; the tests hold each against its schema."""
