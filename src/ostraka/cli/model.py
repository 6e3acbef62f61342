"""`ostraka model`: models for `predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ostraka.cli import examples

app = typer.Typer(name="model", no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def model() -> None:
    """Prepare a model for predictions; nothing leaves this machine."""


@app.command(cls=examples.Helped)
def export(
    file: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="Network with ReLU, in ONNX.")],
) -> None:
    """Write an ONNX network as the JSON that `predict` takes, to stdout.

    The JSON holds the model in the clear. A scikit-learn model is exported in its owner's own
    Python: ostraka.models.export.
    """
    from ostraka.onnx_models import export_onnx

    sys.stdout.write(export_onnx(file) + "\n")
