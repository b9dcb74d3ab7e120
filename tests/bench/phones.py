"""How fast phones are decided: `python -m tests.bench.phones` prints members a second as JSON, one core."""

from __future__ import annotations

import json
import statistics
import time

import numpy as np
import phonenumbers
import pyarrow as pa
from listrak_sms_cli.audience.phones import read_phones
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from tests.bench.audiences import SEED, spelled, ten_digits
from tests.bench.cache import AudienceSpec

ROWS = 1_000_000
BATCH_ROWS = 62_500
RUNS = 5
TEN_REGIONS = ("US", "GB", "DE", "FR", "IT", "ES", "MX", "BR", "IN", "AU")


def us_phones() -> pa.StringArray:
    """Six spellings, 2 % invalid: the phones of the race."""
    random = np.random.default_rng(SEED)
    return spelled(ten_digits(AudienceSpec(ROWS), random), 0.02, random)


def phones_of_ten_regions() -> pa.StringArray:
    """A tenth of the rows from each region, its example mobile number with its last four digits drawn anew: the
    first region's as at home, the others' in international spelling."""
    random = np.random.default_rng(SEED)
    ends = [f"{end:04}" for end in range(10_000)]
    every = []
    for region in TEN_REGIONS:
        number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        assert number is not None
        style = PhoneNumberFormat.NATIONAL if region == TEN_REGIONS[0] else PhoneNumberFormat.INTERNATIONAL
        written = phonenumbers.format_number(number, style)
        every += [with_last_digits(written, end) for end in ends]
    return pa.array(every, pa.string()).take(pa.array(random.integers(0, len(every), ROWS)))


def with_last_digits(written: str, end: str) -> str:
    letters, left = list(written), list(end)
    for position in reversed(range(len(letters))):
        if letters[position].isdigit() and left:
            letters[position] = left.pop()
    return "".join(letters)


def rate(column: pa.StringArray) -> float:
    """Members a second, the median of several passes in batches as a push reads them."""
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        for first in range(0, len(column), BATCH_ROWS):
            read_phones(column.slice(first, BATCH_ROWS), TEN_REGIONS[0])
        seconds.append(time.perf_counter() - start)
    return len(column) / statistics.median(seconds[1:])


if __name__ == "__main__":
    print(json.dumps({"US": rate(us_phones()), "ten regions": rate(phones_of_ten_regions())}))
