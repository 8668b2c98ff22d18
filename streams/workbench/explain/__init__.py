"""Why something was decided, told from a recording so that a moderator understands it.

`recorded` finds the account and what the recording holds of it and of those it shares an entity
with; `understanding` is what is taken from Vigil's own records, `records` how they follow from each
other. `rerun` plays the signals through the agents again and watches, `near` is how close other
patterns came meanwhile. `conditions` puts a pattern into words, `builtin` the rules that are in the
code, `about` what a rule says of itself, `moments` a signal, `marked` what of them is evidence, `actions`
what was done and what became of it, `notes` what is not known; `story` puts all of it together. `timeline` picks what fits on a page, `terminal`, `page` and
`data` are three ways to tell the story.

What is told comes from signals the decoders accepted, from records of Vigil's own that have the
shape Vigil gives them, and from the rule files. Nothing else a recording may hold gets through.
"""
