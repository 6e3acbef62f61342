"""Command `protocols`: lists what can be computed; also the help of `new` and `bench`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ostraka.cli import voice
from ostraka.cli.examples import Helped


def protocols(
    output: Annotated[
        voice.OutputFormat,
        typer.Option(metavar="text|json", help="Format of the result on stdout."),
    ] = voice.OutputFormat.TEXT,
) -> None:
    """List the protocols, built in and from installed packages, each with a line about it."""
    import json

    from ostraka.protocols import every_protocol

    found = list(every_protocol())
    for each in found:
        if each.problem:
            voice.say(f"warning: {each.name} of the package {each.package}: {each.problem}")
    usable = [each for each in found if not each.problem]
    if output is voice.OutputFormat.JSON:
        keys = ("name", "summary", "package")
        print(json.dumps([{key: getattr(each, key) for key in keys} for each in usable]))
        return
    width = max(len(each.name) for each in usable)
    for each in usable:
        origin = "" if each.package == "ostraka" else f" ({each.package})"
        print(f"{each.name:{width}}  {each.summary}{origin}")


class NewHelp(Helped):
    """Help of `new`: lists the protocols, or the `[outputs]` of the protocol that is named."""

    _named = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; note the protocol's name first, as --help ends the parsing."""
        self._named = args[0] if args and not args[0].startswith("-") else ""
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the list of installed protocols, or the options of the protocol that is named."""
        from ostraka.protocols import every_protocol, protocol_named
        from ostraka.protocols.options import explained_options

        if not (name := self._named):
            with formatter.section("Protocols"):
                formatter.write_dl([(p.name, p.summary) for p in every_protocol() if not p.problem])
            return
        kind = protocol_named(name)
        with formatter.section(f"{name}: {kind.summary()}"):
            usual = f"type {kind.usual_type}, scheme {kind.usual_scheme}"
            formatter.write_dl([("by default", usual)])
        model = kind.options_model
        with formatter.section(f"Keys of --rule KEY=VALUE for {name}"):
            formatter.write_dl(list(explained_options(model)) if model else [("none", "")])


class BenchHelp(Helped):
    """Help of `bench`: lists the cases."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the list of cases, which depends on the installed protocols."""
        from ostraka.cli.bench import cases

        with formatter.section("Cases"):
            formatter.write_dl([(c.name, c.protocol or "an operation") for c in cases()])
