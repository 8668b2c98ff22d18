"""What a person sees and orders.

`standing` reads how things stand with the governor, `orders` makes commands, `post` writes them.
What is held is read from the governor's own state, and not from the review queue: the state alone
knows what has been released or voided since. An order is a record like any other, checked as a
worker will check it before it is written; nothing here decides anything.
"""
