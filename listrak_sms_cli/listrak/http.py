"""httpx, without its own command line: that loads rich and pygments, a twentieth of a second that `--json` can do
without."""

from __future__ import annotations

import sys

_COMMAND_LINE = "httpx._main"

if "httpx" not in sys.modules:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment] # as without the packages it needs: httpx allows it
    import httpx

    del sys.modules[_COMMAND_LINE]
else:
    import httpx

__all__ = ["httpx"]
