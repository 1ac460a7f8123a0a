"""The first file of a fresh interpreter that becomes the zygote.

It is run by path and names the two packages above it without importing them: their `__init__` files load what
only the host needs (pydantic, the tools), and every page a zygote holds is a page each fork must copy.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    for name, folder in (("llmi_sandbox", here.parent), ("llmi_sandbox.code", here)):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    from llmi_sandbox.code.zygote.main import main

    main(sys.argv[1])
