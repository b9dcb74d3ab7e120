"""Frames of Spark, 3.5 and 4, classic and Connect: pushed by the driver, or cleaned and packed on the executors first.

    from listrak_sms_cli.spark import push

    report = push(df, sender_code=1026, order_by="updated_at")

Credentials, the record, the lock and every request stay in the process of the driver. Needs pyspark: the extra
`spark`, or that of the cluster. How rows come from Spark, and what runs there, belongs here; what is a member does not.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.spark.commands import *

__all__, __getattr__ = on_demand(__name__, commands="push resume")
