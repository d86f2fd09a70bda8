"""Well-known models and providers, in versions that never change, and the facts that follow from a model's name."""
