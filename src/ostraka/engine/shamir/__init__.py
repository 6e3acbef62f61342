"""Shamir sharing as a backend of the engine: parts, points, degrees and seeds stay in here."""
