"""Commands of `demo`: the modules that add one each to the group, imported together."""

from ostraka.cli import demo_choices, demo_learn, demo_lists
from ostraka.cli.demo import app

__all__ = ["app", "demo_choices", "demo_learn", "demo_lists"]
