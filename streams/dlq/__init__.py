"""Dead letters: which there are, what became of the records they name, and writing those again.

`letters` reads the topic, `originals` the refused records in their source topics, `examination` says
of each whether it is still there and would be taken now, `requeue` writes those that would. What a
record holds is read to judge it and to write it again, and shown nowhere.
"""
