"""Data where it lies: tables in files and databases, turned into what a protocol asks for."""
