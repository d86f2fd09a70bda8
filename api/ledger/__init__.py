"""The tamper-evident log: heads that are signed over it every minute, and the verifier that names what was changed.

A job reads the rows that were recorded since, in the order in which they were recorded, and signs one head for each
organization that has some: a Merkle root over the rows' exact text, the hash of the head before, counts and times.
Beside the head stand the rows' ids, salts and commitments, 64 bytes a row, so that the very entry can be named. A row
that is erased takes its salt along, and the next head says which; rows past their retention go, and heads stay.
"""
