"""Inputs as people write them, read from files or prompts and turned into elements."""
