"""What Vigil writes for others: drafts for the authorities, statements of reasons, notices to users.

All of it is pure: from records to texts whose words are in this room, with references that the
platform's own vault resolves. No prompt, no media, no name and no free text comes in, so none goes
out. `incident` is what becomes one report and how it goes from draft to confirmed or retracted,
`report` the record on topic `reports`, `cybertip` its XML, `statements` and `statement_rules` what
the DSA transparency database wants, `notices` what the person concerned is told.
docs/reporting.md explains it to people.
"""
