"""Exit codes, and the one place where errors become them.

By name, so that mapping an error doesn't import the room it comes from.
"""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from types import MappingProxyType

import click

from streams.logs import Event, tell, where

OK, PROBLEMS, WRONG_USE, NO_KAFKA, NAME_TAKEN, INTERNAL = range(6)
INTERRUPTED = 130

CODES: Mapping[str, int] = MappingProxyType(
    {
        "streams.config.ConfigError": WRONG_USE,
        "streams.signals.schema_file.SchemaError": WRONG_USE,
        "streams.patterns.findings.RuleErrors": WRONG_USE,
        "streams.rules.shelf.NoSuchSet": WRONG_USE,
        "streams.rules.follow.NothingLoads": WRONG_USE,
        "streams.web.CannotListen": WRONG_USE,
        "streams.recording.LineError": WRONG_USE,
        "streams.desk.orders.BadOrder": WRONG_USE,
        "streams.desk.reports.NoSuchReport": WRONG_USE,
        "streams.desk.reports.WrongPerson": WRONG_USE,
        "streams.filing.journal.BadJournal": WRONG_USE,
        "streams.reporting.cybertip.BadReporter": WRONG_USE,
        "streams.reporting.notices.BadTemplates": WRONG_USE,
        "streams.adapters.unusable.AdapterUnusable": WRONG_USE,
        "streams.research.mine.TooFew": WRONG_USE,
        "streams.sharing.outgoing.NotOurs": WRONG_USE,
        "streams.stress.gate.GateError": WRONG_USE,
        "streams.workbench.explain.recorded.NotFound": WRONG_USE,
        "streams.workbench.backtest.gate.GateError": WRONG_USE,
        "streams.workbench.backtest.shards.ProcessGone": INTERNAL,
        "streams.rules.published.SetTooLarge": PROBLEMS,
        "streams.admin.cluster.KafkaUnreachable": NO_KAFKA,
        "streams.admin.comparison.TopicsWrong": NO_KAFKA,
        "streams.embedded.jars.ToolMissing": NO_KAFKA,
        "streams.embedded.node.KafkaNotStarted": NO_KAFKA,
        "kafka.errors.KafkaError": NO_KAFKA,
        "aiokafka.errors.KafkaError": NO_KAFKA,
        "streams.engine.state_format.UnreadableState": INTERNAL,
        "streams.repartition.readiness.Fewer": WRONG_USE,
        "streams.repartition.readiness.NotReady": PROBLEMS,
    }
)


class ReaderGone(Exception):
    """Whoever reads our output has seen enough (``vigil … | head``)."""


def run(command: Callable[[], object]) -> int:
    """Run a command to its exit code; prints one line for what went wrong."""
    try:
        result = command()
    except click.ClickException as error:
        error.show(sys.stderr)
        return WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except ReaderGone:
        # Nothing more may be written, also not by the interpreter when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:  # noqa: BLE001 - the outermost line: every error ends in a code
        return _explain(error)
    return result if isinstance(result, int) else OK


def _explain(error: Exception) -> int:
    code = code_of(error)
    if code is not None:
        sys.stderr.write(f"vigil: {error}\n")
        return code
    # Only where it happened: an unforeseen error's message may quote what was in a record.
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    sys.stderr.write(
        f"vigil: internal error: {type(error).__name__}{place}."
        " Run again with --log-level debug for all the places it came through, and please report it.\n"
    )
    tell(Event.TRACE, error=type(error).__name__, where=where(error))
    return INTERNAL


def code_of(error: BaseException) -> int | None:
    """The exit code of an error's nearest listed class; None for an unforeseen one."""
    for cls in type(error).__mro__:
        code = CODES.get(f"{cls.__module__}.{cls.__qualname__}")
        if code is not None:
            return code
    return None
