"""What is said when a backup or a restore cannot be made."""


class BackupTrouble(Exception):
    """One sentence on what failed, and what to do. It is shown and kept, so it never holds a secret or a row."""
