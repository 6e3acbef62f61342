"""Parties that stay: a service that takes part in the sessions and collections that are due."""
