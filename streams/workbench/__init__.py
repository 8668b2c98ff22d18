"""The workbench: what is done with patterns before they go live, and asked of them afterwards.

`inline` runs the tests written beside rules, and `junit` writes them down for a CI. `explain` says
why something was decided, from a recording. `backtest` holds two rule sets against one recording.
All of them run the agents' own handlers on the memory driver; nothing here decides anything.
"""
