"""The stress test: every campaign, evading in every way, hidden several times and looked for.

`variations` is what is hidden, `trial` one simulation through the real agents, `trials` many of
them on all cores, `findings` what they say together, `gate` what they must not fall under. What the
figures mean, and what they can't say, stands in docs/stress.md.
"""
