"""The program: verbs are registered by name, and each imports its work only when it is called."""

from __future__ import annotations

import sys

import typer

from suwen import __version__
from suwen.cli import deploy, explore, learn, plan, records, serve, use
from suwen.core.errors import EXIT_CODE, Conflict, SuwenError

app = typer.Typer(
    name="suwen",
    help="素问: clinical AI from a hospital's own data to an explained, checked, audited result. "
    "Research and decision support; a clinician decides.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    """Hold what belongs to every verb."""
    if version:
        typer.echo(f"suwen {__version__}")
        raise typer.Exit


for module in (explore, learn, deploy, use, plan, records, serve):
    module.register(app)


def _ours(error: SuwenError | OSError) -> SuwenError:
    """A full disk or a forbidden folder is no fault of the program either."""
    if isinstance(error, SuwenError):
        return error
    return Conflict(
        f"the file system says: {error.strerror or error}",
        where=str(error.filename) if error.filename else None,
        fix="Check the path, its permissions and the space left",
        code="file-system",
    )


def main() -> None:
    """Run the command line; our errors exit with 3 and one sentence, never a traceback."""
    try:
        app(standalone_mode=True)
    except (SuwenError, OSError) as error:
        from suwen.cli.output import report_error

        report_error(_ours(error), as_json="--json" in sys.argv)
        sys.exit(EXIT_CODE)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
