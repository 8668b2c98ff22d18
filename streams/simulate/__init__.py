"""The simulator: a platform's day as metadata, with labelled campaigns hidden in it.

`world` is who lives there (accounts and what they share), `rhythm` when they are awake, `benign`
what they do, `campaigns` what abusive accounts do beside that, `plan` what was asked for, `play`
puts everything into one order, `truth` says what was hidden, `lines` and `kafka` write it down.
Everything follows from the seed: the same plan gives the same bytes. Only metadata names appear:
kinds, surfaces, categories and opaque references; there is nothing to redact because nothing
is there.
"""
