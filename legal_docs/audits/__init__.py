"""Audits of us by customers, as the agreement grants them: asked for, confirmed, held, and what was found."""
