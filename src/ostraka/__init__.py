"""ostraka: compute together on private data, over a real network, revealing only the answer."""

__version__ = "0.1.0"
