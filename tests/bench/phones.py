"""How fast phones are decided: `python -m tests.bench.phones` prints members a second as JSON, one core."""

from __future__ import annotations

import json
import statistics
import time

import numpy as np
import phonenumbers
import pyarrow as pa
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from listrak_sms_cli.audience.phones.read import read_phones
from tests.bench.audiences import SEED, digits, spelled, spelling, ten_digits
from tests.bench.cache import AudienceSpec

ROWS = 1_000_000
BATCH_ROWS = 62_500
RUNS = 5
DRAWN_DIGITS = 6
TEN_REGIONS = ("US", "GB", "DE", "FR", "IT", "ES", "MX", "BR", "IN", "AU")


def us_phones() -> pa.StringArray:
    """Six spellings, 2 % invalid: the phones of the race."""
    random = np.random.default_rng(SEED)
    return spelled(ten_digits(AudienceSpec(ROWS), random), 0.02, random)


def phones_of_ten_regions() -> pa.StringArray:
    """A tenth of the rows from each region, its example mobile number with its last six digits drawn anew: the
    first region's as at home, the others' in international spelling."""
    random = np.random.default_rng(SEED)
    each = ROWS // len(TEN_REGIONS)
    every = []
    for region in TEN_REGIONS:
        number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        assert number is not None
        style = PhoneNumberFormat.NATIONAL if region == TEN_REGIONS[0] else PhoneNumberFormat.INTERNATIONAL
        ends = digits(random.integers(0, 10**DRAWN_DIGITS, each), 10)
        every.append(spelling(ends, with_letters(phonenumbers.format_number(number, style))))
    return pa.concat_arrays(every).take(pa.array(random.permutation(each * len(TEN_REGIONS))))


def with_letters(written: str) -> str:
    """The last digits of a phone as letters that stand for drawn digits."""
    letters, left = list(written), list("abcdefghij"[-DRAWN_DIGITS:])
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
