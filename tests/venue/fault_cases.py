"""All cases of the venue's faults, in the order of the README's table."""

import importlib

from tests.venue.fault_table import CASES, table

for _name in ("requests", "answers", "streams", "orders", "executions", "others", "nights"):
    importlib.import_module(f"tests.venue.faults_of_{_name}")  # it enters its cases

__all__ = ["CASES", "table"]
