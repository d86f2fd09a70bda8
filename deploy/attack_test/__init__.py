"""Hostile text over the whole route table of a throwaway instance, never of a service that somebody uses."""
