"""Who accepted what, with evidence: acceptances, links to those who have the authority, receipts, what is due."""
