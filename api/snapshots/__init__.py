"""What a check needs to know, kept in memory: keys, organizations and their compiled policies.

The database announces every change (NOTIFY, by trigger), and a thread of each process listens. While the announcements
arrive, what is in memory is as good as the database. When they stop, each look-up asks the database; and while the
database is away altogether, checks go on from the last good snapshot, up to `SNAPSHOT_MAX_AGE_S`.

A look-up that was under way while a change was announced is repeated: it can never put an old state back.
"""
