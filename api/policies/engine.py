"""CEL's engine without the command line that comes with it, whose terminal libraries no process here needs."""

import sys
from types import ModuleType

sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

import cel  # noqa: E402  only once the line above has run

__all__ = ["cel"]
