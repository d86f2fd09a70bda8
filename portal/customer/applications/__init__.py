"""Applications for a live account: what the applicant says and asks, what operators decide, and never two outcomes."""
