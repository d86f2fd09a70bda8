"""Conditions of rules as trees: read, translated, checked, and built from rows. Imports no database."""
