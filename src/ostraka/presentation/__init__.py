"""Presentation of results: figures with their errors, drawn as text, as SVG, and as a page."""
