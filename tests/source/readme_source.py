"""The README's example of a source, made a module of the package, as its reader would."""

import re
import sys
from pathlib import Path
from types import ModuleType

from argo_actors.source.provider import Known

NAME = "twelve_data"
README = Path(__file__).resolve().parents[2] / "README.md"


def example() -> Known:
    """What the example declares; `argo_actors.source.twelve_data` can be imported from here on."""
    (text,) = re.findall(r'```python\n("""Twelve Data.*?)```', README.read_text(), re.DOTALL)
    module = ModuleType(f"argo_actors.source.{NAME}")
    module.__package__ = "argo_actors.source"
    sys.modules[module.__name__] = module
    exec(compile(text, "README.md", "exec"), module.__dict__)
    found = module.__dict__["SOURCE"]
    assert isinstance(found, Known)
    return found


def block() -> str:
    """The example's block of the configuration."""
    (text,) = re.findall(r'```json\n("sources": .*?)\n```', README.read_text(), re.DOTALL)
    return "{" + text + "}"
