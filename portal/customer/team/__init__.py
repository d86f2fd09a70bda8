"""The team: members and their roles, invitations, and the owner that an organization cannot lose."""
