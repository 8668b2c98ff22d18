"""What reviewed outcomes teach: candidate patterns out of recordings, and counts that tell of nobody.

`mine` proposes patterns: `sample` keeps the accounts and what they did as `items`, `mining` looks
for `candidates` on half of the accounts, `trial` runs them as rules (`writing`) over the other
half, and `chance` says which of them chance can't explain. `aggregate` counts, with `noise` or with
small counts left out.
"""
