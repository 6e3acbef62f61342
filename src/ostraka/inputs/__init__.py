"""Inputs as people write them, read where they lie and turned into elements."""
