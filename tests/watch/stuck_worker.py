"""`vigil run` in which handling a signal of the account `endless` never ends; run as a program.

It says `STUCK` on stderr when it begins.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from streams.agents import team
from streams.agents.contract import Agent
from streams.cli import main

STUCK = "from now on nothing moves"

_all_agents = team.all_agents


def all_agents(ruleset: Any) -> list[Agent]:
    return [replace(agent, handler=endless(agent.handler)) for agent in _all_agents(ruleset)]


def endless(handler: Any) -> Any:
    def handle(state: Any, signal: Any, out: Any) -> None:
        if getattr(signal, "account", "") == "endless":
            sys.stderr.write(f"{STUCK}\n")
            sys.stderr.flush()
            while True:
                pass
        handler(state, signal, out)

    return handle


if __name__ == "__main__":
    team.all_agents = all_agents
    sys.exit(main())
