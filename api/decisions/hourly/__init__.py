"""Counts of each hour that has passed, so that pages need not read the log: written in the background, from the log.

The log is the truth; the counts can be made anew from it at any time (`flask decisions recount`). An organization's
hours are counted in order, so all before the end of its last counted hour are, and what came later is read from the
log itself. Hours that changed after they were counted (a spool that was replayed late, an erasure) are marked and
counted again within a minute.
"""
