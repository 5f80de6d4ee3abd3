"""What must hold, each as one small function of the view; it yields what is wrong.

The names follow the money invariants of the failure model. A check is asked when its moment comes: a
request leaves, a record reaches the disk, the venue fills something, time passes, the run is over.
The checks of one subject share a file, and reading it enters them: every file here is read.
"""

from importlib import import_module
from pkgutil import iter_modules

from .registry import CHECKS, Check

__all__ = ["CHECKS", "Check"]

for _file in iter_modules(__path__):
    import_module(f"{__name__}.{_file.name}")
