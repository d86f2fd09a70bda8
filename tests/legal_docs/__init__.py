"""The promises: their texts, who accepted them, and the clocks that run."""
