"""Every option of every command, declared once: its name, what its value may be, its default, its help, its commands.

From here follow the command line (`cli/parameters.py`), the values that `runs` works with (`runs/options.py`) and the
keywords of Python (`keywords.py`, which a test holds against the declarations). A new option belongs into
`declared.py`; a new kind of value into `kinds.py`. Imports nothing heavy.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.options.declared import *
    from listrak_sms_cli.options.kinds import *
    from listrak_sms_cli.options.option import *

__all__, __getattr__ = on_demand(
    __name__,
    declared="Applying ChoosingMembers Cleaning Columns Expecting ExpectingOfColumn InFiles InSources Planning Pulling "
    "Reading Rehearsing Resuming Sending Silencing Subject Verifying job_options keywords_of options_of",
    kinds="Choice Duration File FileName Flag Output Setting seconds_of",
    option="Option Options as_keywords did_you_mean in_keywords nearest refuse_one_place values_by_name with_storage",
)
