"""Two rule sets against one recording: what would be found, done and looked at instead.

`sides` runs both over the same records, evaluating only once what is the same in both, and `search`
gives it a recording's; `finds` is what a side came to, `pairing` which finds of the two are the
same, `outcomes` what reviewers said of them, `tally` the figures of some accounts and how they add
up. `shards` spreads the accounts over processes. `comparison` is the answer, `gate` what it must
satisfy, `advice` what is worth saying about it, `show` how it is told.
"""
