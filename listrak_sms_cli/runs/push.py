"""One push from end to end, and the dress rehearsal of it (`validate`, `--dry-run`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from listrak_sms_cli import __version__
from listrak_sms_cli.audience.clean import Verdict
from listrak_sms_cli.audience.columns import ColumnPlan, find_phone, plan_columns, rewrite_names
from listrak_sms_cli.audience.files import Audience, open_audience
from listrak_sms_cli.errors import GuardStopped, Interrupted, LsmsError, NothingSent
from listrak_sms_cli.listrak.auth import Credentials
from listrak_sms_cli.listrak.body import ColumnMapping
from listrak_sms_cli.listrak.client import Endpoint, ListrakClient
from listrak_sms_cli.runs.account import Account, read_account, region_of
from listrak_sms_cli.runs.deliver import Delivery, Target, part_line
from listrak_sms_cli.runs.events import Listener, RequestRetried, RunStarted, SendablePrepared, Warned, silent
from listrak_sms_cli.runs.journal import Journal, Prepared, Started, new_run_id
from listrak_sms_cli.runs.options import PushOptions, ReadingOptions
from listrak_sms_cli.runs.outcome import Outcome
from listrak_sms_cli.runs.packing import Packer, Part, Spool, header_line
from listrak_sms_cli.runs.prepare import Job, Members, check_members, read_members
from listrak_sms_cli.runs.prepare import Prepared as PreparedMembers
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.settings import Settings
