"""What the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    PROBLEM = "problem"  # data are lost or late, or will be
    WARNING = "warning"  # not as it should be
    NOTE = "note"  # worth knowing; `vigil doctor` still exits 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: what it is about, what is the case, and what to do."""

    severity: Severity
    about: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.about}: {self.problem}. {self.remedy}"
