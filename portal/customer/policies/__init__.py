"""Policies for people: switches and weights with their effect shown before they hold, rules, versions."""
