"""Breaks the source in a copy, one named way at a time, and wants the guard's tests to fail."""
