"""What Listrak has stored: contacts read back, compared with what was or would be sent, written to a file.

Change here what counts as equal and how contacts are fetched.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.runs.readback.change_list import *
    from listrak_sms_cli.runs.readback.compare import *
    from listrak_sms_cli.runs.readback.contacts import *
    from listrak_sms_cli.runs.readback.differences import *
    from listrak_sms_cli.runs.readback.file_values import *
    from listrak_sms_cli.runs.readback.phone_set import *
    from listrak_sms_cli.runs.readback.pulled_rows import *
    from listrak_sms_cli.runs.readback.reading import *
    from listrak_sms_cli.runs.readback.resumable_file import *
    from listrak_sms_cli.runs.readback.sent_values import *
    from listrak_sms_cli.runs.readback.stored_values import *
    from listrak_sms_cli.runs.readback.survey import *
    from listrak_sms_cli.runs.readback.verification import *

__all__, __getattr__ = on_demand(
    __name__,
    change_list="ChangeList",
    compare="ComparedMembers Comparison",
    contacts="ASK_EACH CONFIRM_ALL SAMPLE Contacts Listing",
    differences="Difference DifferenceList",
    file_values="FileValues",
    phone_set="PhoneSet",
    pulled_rows="column_names contact_keys contact_rows readable_fields",
    reading="Bookmark Reading",
    resumable_file="ResumableFile",
    sent_values="SentValues",
    stored_values="canonical empties_stay file_text",
    survey="Survey digest_each",
    verification="Verifier after_push members_differ",
)
