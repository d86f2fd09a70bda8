"""Policies: what an organization allows. Each change makes a new, immutable version; deciding is a pure function."""
