"""The technical measures of the DPA's Annex III: what each is, and what was seen of it in the running service."""
