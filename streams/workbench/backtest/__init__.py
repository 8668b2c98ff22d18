"""Two rule sets against one recording: what would be found, done and looked at instead.

`survey` looks at all accounts, `sides` evaluating only once what is the same in both rule sets, and
`shards` spreads the accounts over processes. `decided` is what all three agents then make of the
accounts that anything was found about, for one rule set; `passes` is the order of all this. `finds`
is what a side came to, `pairing` which finds of the two are the same, `outcomes` what reviewers said
of them, `tally` the figures. `comparison` is the answer, `gate` what it must satisfy, `advice` what
is worth saying about it, `show` how it is told.
"""
