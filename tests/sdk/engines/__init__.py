"""The engines of both SDKs side by side: cases that are made from a seed, and what each engine makes of them."""

import sys
from pathlib import Path

SOURCES = str(Path(__file__).parents[3] / "sdk" / "python" / "src")
if SOURCES not in sys.path:  # where pytest did not put it
    sys.path.append(SOURCES)
