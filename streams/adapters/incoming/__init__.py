"""What comes in: a module per format, a pure function `adapt(foreign, given)` in each.

Only what stands in a module's shapes is read; of these every text that isn't an id, a time or a word
of a closed list stays outside.
"""
