"""Makes the pictures of the README, each of a real run on a pseudo-terminal: `python -m tests.screenshots`."""

from __future__ import annotations

import io
import re
import tempfile

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.support.screen import on_terminal, picture
from tests.support.world import PROJECT

PICTURES = PROJECT / ".github" / "pictures"
PICTURED = {"push": "push sample_audiences/spring_launch.csv --sandbox"}
_WIDTH = 100


def picture_of(command: str) -> str:
    """The screen after `lsms COMMAND` as an SVG that needs nothing from elsewhere."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "COLORTERM": "truecolor"}
        words = ("-m", "listrak_sms_cli", *command.split())
        written = on_terminal(*words, width=_WIDTH, height=50, **environment)
    console = Console(record=True, width=_WIDTH, file=io.StringIO())
    console.print(Text.assemble(("$ ", "bold green"), f"lsms {command}"))
    console.print(Text.from_ansi("\n".join(picture(written, styled=True))))
    svg = console.export_svg(title="lsms", theme=MONOKAI, unique_id="lsms")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # any monospaced font will do


if __name__ == "__main__":
    for name, command in PICTURED.items():
        (PICTURES / f"{name}.svg").write_text(picture_of(command), "utf-8")
