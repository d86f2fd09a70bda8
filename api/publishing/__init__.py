"""Publishing drafts of policies: by whom, after whose review, and in an emergency without."""
