"""The counting worker in its next version: its record says one thing more. Run as a program by `drill`."""

from __future__ import annotations

from streams.agents.contract import Kind
from tests.faults import counting_worker as counting


class Count(counting.Count, array_like=True, gc=False):
    """`last` is the number of the newest signal."""

    last: int = -1

    def take(self, number: int) -> None:
        super().take(number)
        self.last = number


COUNT = Kind(b"A", Count, version=2, migrations={1: lambda fields: Count(*fields)})

if __name__ == "__main__":
    counting.main(COUNT)
