"""Packages of the extra `server`, without which no service of HTTP runs."""

from __future__ import annotations

from ostraka.errors import UsageError


def require_server(what: str) -> None:
    """Check that the packages of `ostraka[server]` are installed.

    Args:
        what: what needs them, such as "a mailbox".

    Raises:
        UsageError: one is not; names the command that installs it.
    """
    try:
        import httptools  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"{what} needs the package {error.name}, which is not installed",
            hint="pip install 'ostraka[server]'",
        ) from None
