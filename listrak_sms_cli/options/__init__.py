"""Every option of every command, declared once: its name, what its value may be, its default, its help, its commands.

From here follow the command line (`cli/parameters.py`), the values that `runs` works with (`runs/options.py`) and the
keywords of Python (`keywords.py`, which a test holds against the declarations). A new option belongs into
`declared.py`; a new kind of value into `kinds.py`. Imports nothing heavy.
"""

from __future__ import annotations

from listrak_sms_cli.options.declared import (
    ChoosingMembers,
    Cleaning,
    Columns,
    Reading,
    Rehearsing,
    Sending,
    Silencing,
    Subject,
    keywords_of,
    options_of,
)
from listrak_sms_cli.options.kinds import (
    Duration,
    seconds_of,
)
from listrak_sms_cli.options.option import (
    Option,
    Options,
    in_keywords,
    values_by_name,
)

__all__ = [
    "ChoosingMembers",
    "Cleaning",
    "Columns",
    "Duration",
    "Option",
    "Options",
    "Reading",
    "Rehearsing",
    "Sending",
    "Silencing",
    "Subject",
    "in_keywords",
    "keywords_of",
    "options_of",
    "seconds_of",
    "values_by_name",
]
