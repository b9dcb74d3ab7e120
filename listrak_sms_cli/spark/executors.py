"""A frame of Spark that the executors clean and pack: what comes here is import text, and counts.

Three stages, with a shuffle between them. The phone of each row is read. Rows go to buckets by it, so that the members
of each phone meet (those without a phone go by a hash of their row, or all would be in one bucket); each part is put in
order, cleaned and packed. The last shuffle is there because Spark gives parts to this process one after the other, and
would pack them only then. The text of a bucket depends on its rows alone, and buckets are put in order here: the import
files are the same however Spark divides the work, and when a task runs twice.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from listrak_sms_cli.audience import means_consent, means_opt_out
from listrak_sms_cli.audience.source import ArrowStream
from listrak_sms_cli.errors import AudienceError, UsageError
from listrak_sms_cli.runs import Listener, MembersCounted
from listrak_sms_cli.runs.pack import ImportSpool, SpooledText
from listrak_sms_cli.runs.prepare import PartCounts, PartRules, RemotePreparation
from listrak_sms_cli.spark.frame import SparkFrame, batches_of, quoted, spark_errors
from listrak_sms_cli.spark.task import BUCKET, COUNTS, FAILED, NUMBER, RESULT, Task, columns_of, versions

_NEED_ROWS = {
    "rejects": "it writes the rows as they were read",
    "limit": "it counts members in the order of the frame",
    "changed_only": "what is remembered of members is in the state folder",
    "full": "it belongs to changed_only",
    "refresh_after": "it belongs to changed_only",
    "only_existing": "it looks each phone up",
    "only_different": "it compares each value with what is stored",
    "exclude_opted_out": "it compares each phone with a list",
    "per_contact": "members are updated one by one",
    "canary": "its members are compared with what is stored",
    "canary_seed": "it belongs to canary",
    "undo": "it belongs to canary",
    "verify": "it compares each value with what is stored",
    "verify_sample": "it compares values with what is stored",
    "sandbox": "its contacts are made of the phones",
}
_FEW = 1000  # rows
BUCKETS = 256  # at most so many tasks clean at once; part of what the import files are, so that it is never changed


class SparkExecutors(SparkFrame, RemotePreparation):
    """The rows of a frame, which stay with Spark. `shows_consent`: some cells of columns that are named like consent
    are looked at, so that it can be said when nobody has named the column of consent."""

    prepared_by = "executors"
    shows_consent = False

    def stream(self, skip: Collection[str]) -> ArrowStream:
        """As in RemoteRows, but of the rows a few at most: the header, and which columns can be read."""
        self._skip = tuple(skip)
        self.order_with_ties(skip)
        consents = {n for n in self.types if self.shows_consent and (means_consent(n) or means_opt_out(n))}
        with spark_errors():
            schema = self.schema_of(self._selected(skip))
            few = self._selected((*skip, *(self.types.keys() - consents))).limit(_FEW)
        return ArrowStream(
            self.name, schema, batches_of(few) if consents else iter(()), "Spark, prepared on executors", self.notes
        )

    def _selected(self, skip: Collection[str]) -> Any:
        return self.frame.selectExpr(*(f"{value} AS {quoted(name)}" for name, value in self.values(skip).items()))

    def prepare(
        self, columns: Sequence[str], how: PartRules, spool: ImportSpool, tell: Listener
    ) -> tuple[PartCounts, list[SpooledText]]:
        """As in RemotePreparation. Raises AudienceError, and what the tasks raise."""
        found, texts = PartCounts(), dict[tuple[int, int], SpooledText]()
        with spark_errors():
            # What Spark gives is as much to be trusted as the tasks that this process has sent there.
            for row in self._packed(columns, how).toLocalIterator(prefetchPartitions=True):
                if row.bucket == FAILED:
                    code, message, hint = pickle.loads(row.text)
                    raise AudienceError(message, hint=hint, code=code)
                if row.bucket == COUNTS:
                    found.add(pickle.loads(row.text))
                    tell(MembersCounted(found.counts.total(), found.dropped))
                    continue
                spool.check_room(len(row.text))
                key, place = (row.columns, row.bucket), spool.append(row.text)
                before = texts.get(key, SpooledText(columns_of(row.columns), place, 0))
                texts[key] = replace(before, size=before.size + len(row.text))
        return found, [texts[key] for key in sorted(texts)]

    def _packed(self, columns: Sequence[str], how: PartRules) -> Any:
        """A frame of RESULT; the pieces of a bucket and set of columns come one after the other."""
        from pyspark.sql.types import LongType, StructField, StructType

        plan = how.plan
        consent = () if plan.consent is None else (plan.consent,)
        wanted = sorted({plan.phone, *consent, *(column.index for column in plan.columns)})
        values, order = self.values(()), self.order_with_ties(self._skip)
        named = {f"c{index}": values[columns[index]] for index in wanted} | order
        rows = self.frame.selectExpr(*(f"{value} AS {name}" for name, value in named.items()))
        task = Task(how, tuple(wanted), versions())
        with_numbers = StructType([*rows.schema.fields, StructField(NUMBER, LongType())])
        met_by = f"IF({NUMBER} > 0, {NUMBER}, {list(order)[-1]})"
        bucket = f"CAST(pmod(xxhash64({met_by}), {BUCKETS}) AS INT) AS {BUCKET}"
        numbered = rows.mapInArrow(task.add_numbers, with_numbers).selectExpr("*", bucket)
        parts = numbered.repartition(BUCKET).sortWithinPartitions(BUCKET, NUMBER, *order)
        packed = parts.mapInArrow(task.pack, RESULT)
        return packed.repartition("bucket").sortWithinPartitions("bucket", "columns", "piece")


def refuse_options(options: Mapping[str, object]) -> None:
    """Raises UsageError for an option that needs each row where the push is."""
    named = [name for name in _NEED_ROWS if options.get(name) not in (None, False)]
    if named:
        raise UsageError(
            f"{', '.join(named)} cannot be had with prepare='executors': {_NEED_ROWS[named[0]]}.",
            hint="Leave it out, or take prepare='driver'.",
            code="executors_cannot",
        )
