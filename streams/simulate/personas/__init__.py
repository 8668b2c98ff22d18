"""Benign look-alikes: harmless accounts with the signs of abuse, who must not be punished.

Not campaigns: nobody is to find them. What is done to them is what `vigil stress` looks at.
"""

from streams.simulate.personas import crowds, suspects
from streams.simulate.personas.persona import Persona

__all__ = ["PERSONAS", "Persona"]

PERSONAS = {persona.name: persona for room in (suspects, crowds) for persona in room.PERSONAS}
"""All kinds of look-alikes by name."""
