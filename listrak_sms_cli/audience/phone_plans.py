"""What the digits of a phone mean in a region: the steps of `phonenumbers.parse` and `is_valid_number`, by columns.

Every function takes numbers as int64 that all have the same count of digits (zeros in front count), so that
each step is arithmetic with one power of ten. What comes out is int64, one a number: E.164 digits,
INVALID, or UNDECIDED where only libphonenumber itself can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc

from listrak_sms_cli.audience.phone_patterns import (
    NOTHING,
    UNSURE,
    Integers,
    Judge,
    Language,
    Mask,
    UnknownPattern,
    beginning,
    both,
    compile_language,
    either,
    neither,
    pattern,
    prefix_lengths,
)

INVALID = -1
UNDECIDED = -2
SHORTEST = 3  # no numbering plan of libphonenumber has a valid number with fewer digits
MOST_DIGITS = 18  # that fit into int64; E.164 allows 15
_KINDS = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", "fixed_line",
)  # fmt: skip  # what `phonenumbers.number_type` looks at, and so `is_valid_number`; mobile has a rule of its own

Prefixes = npt.NDArray[np.uint8]  # 1000, by the first three digits: how many a prefix takes, or UNSURE


@dataclass(frozen=True, eq=False)
class Plan:
    """The numbering plan of a region, or of a calling code without a region, as libphonenumber describes it."""

    metadata: PhoneMetadata

    @property
    def code(self) -> int:
        """The country calling code."""
        return self.metadata.country_code or 0

    @property
    def general(self) -> PhoneNumberDesc:
        """What every number of the plan looks like."""
        assert self.metadata.general_desc is not None  # so in every plan of libphonenumber
        return self.metadata.general_desc

    @cached_property
    def national_prefixes(self) -> Prefixes | None:
        """What a number of this plan loses in front of it, like the 0 in Germany; None = nothing."""
        expression = self.metadata.national_prefix_for_parsing
        if not expression:
            return None
        lengths = _prefixes(expression)
        if self.metadata.national_prefix_transform_rule:
            for three in np.flatnonzero((lengths > 0) & (lengths != UNSURE)).tolist():
                match = re.match(expression, f"{three:03}")
                if match is None or match.groups()[-1] is not None:
                    lengths[three] = UNSURE
        return lengths

    @cached_property
    def dialled_abroad(self) -> Prefixes:
        """The international prefix of this plan, like 011 in the United States."""
        expression = self.metadata.international_prefix
        return _prefixes(expression) if expression else np.zeros(1000, np.uint8)

    def is_too_long(self, length: int) -> bool:
        """Has the plan no number with as many digits or more?"""
        return length not in self.general.possible_length_local_only and length > self.general.possible_length[-1]

    def may_have(self, length: int) -> bool:
        """Would libphonenumber take a national prefix away, if that leaves so many digits?"""
        return length not in self.general.possible_length_local_only and (
            length in self.general.possible_length or length > self.general.possible_length[-1]
        )

    def is_general(self, numbers: Integers, length: int) -> Mask:
        """Do these national numbers look like the plan's at all?"""
        if length < 1:
            return np.zeros(len(numbers), np.bool_)
        return _general(self.general.national_number_pattern, length)(numbers)


def region_known(region: str) -> bool:
    """Does libphonenumber know this region (ISO 3166-1, two letters, either case)?"""
    return bool(region) and region.upper() in phonenumbers.SUPPORTED_REGIONS


@lru_cache(maxsize=512)
def plan_of_region(region: str) -> Plan | None:
    """The plan of a region; None for one that libphonenumber does not know, such as ZZ."""
    metadata = PhoneMetadata.metadata_for_region(region.upper(), None) if region_known(region) else None
    return Plan(metadata) if metadata else None


@lru_cache(maxsize=512)
def plan_of_code(code: int) -> Plan:
    """The plan that goes with a calling code; of several regions with one code, the main one."""
    main = phonenumbers.region_code_for_country_code(code)
    of_region = plan_of_region(main)
    if of_region:
        return of_region
    metadata = PhoneMetadata.metadata_for_nongeo_region(code, None)
    assert metadata is not None  # a calling code has a main region or a plan of its own
    return Plan(metadata)


@lru_cache(maxsize=1)
def calling_codes() -> npt.NDArray[np.int64]:
    """1000: the calling code that a number with these first three digits begins with, 0 where there is none."""
    codes = np.zeros(1000, np.int64)
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        unit = 10 ** (3 - len(str(code)))
        codes[code * unit : (code + 1) * unit] = code
    return codes


def read_national(plan: Plan | None, numbers: Integers, length: int) -> Integers:
    """Digits written without a plus. Without a plan only those dialled with 00 can be read."""
    if length < SHORTEST:
        return np.full(len(numbers), INVALID)
    if plan is None:
        read = np.full(len(numbers), INVALID)
    else:
        read = np.empty(len(numbers), np.int64)
        for taken, rows in _classes(plan.dialled_abroad[first_three(numbers, length)]):
            if taken == UNSURE:
                read[rows] = UNDECIDED
            elif taken == 0:
                read[rows] = _read_at_home(plan, numbers[rows], length)
            else:
                read[rows] = _read_dialled(plan, numbers[rows], length, taken)
    # People write 00 for the plus wherever they live.
    again = np.flatnonzero((read == INVALID) & (numbers < 10 ** (length - 2)))
    if len(again):
        read[again] = _read_dialled(plan, numbers[again], length, 2)
    return read


def _read_dialled(plan: Plan | None, numbers: Integers, length: int, taken: int) -> Integers:
    left = length - taken
    if left < SHORTEST:
        return np.full(len(numbers), INVALID)
    rest = _without(numbers, left)
    read = read_international(plan, rest, left)
    read[rest < 10 ** (left - 1)] = UNDECIDED  # a zero after it, and it is no international prefix
    return read


def read_international(plan: Plan | None, numbers: Integers, length: int) -> Integers:
    """Digits that stood behind a plus or an international prefix, calling code first."""
    if length < SHORTEST:
        return np.full(len(numbers), INVALID)
    read = np.empty(len(numbers), np.int64)
    first = first_three(numbers, length)
    codes = calling_codes()[first]
    for code, rows in _classes(codes):
        if code:
            left = length - len(str(code))
            read[rows] = _settle(plan_of_code(code), numbers[rows] - code * 10**left, left)
        elif plan is None:
            read[rows] = INVALID
        else:
            # libphonenumber reads `+011 44 …` in the United States as if there were no plus.
            read[rows] = np.where(plan.dialled_abroad[first[rows]] > 0, UNDECIDED, INVALID)
    return read


def _read_at_home(plan: Plan, numbers: Integers, length: int) -> Integers:
    """Digits as written in the region: a national number, or one that begins with the region's calling code."""
    left = length - len(str(plan.code))
    if left < SHORTEST:
        return _settle(plan, numbers, length)
    read = np.empty(len(numbers), np.int64)
    for with_code, rows in _classes(_quotient(numbers, left) == plan.code):
        if with_code:
            read[rows] = _read_with_code(plan, numbers[rows], length, left)
        else:
            read[rows] = _settle(plan, numbers[rows], length)
    return read


def _read_with_code(plan: Plan, numbers: Integers, length: int, left: int) -> Integers:
    """Is the calling code in front meant as one? As `phonenumbers` decides: if the number makes sense only so."""
    read = np.full(len(numbers), UNDECIDED)
    for rows, rest, rest_length in _strip(plan, _without(numbers, left), left):
        meant = plan.is_general(rest, rest_length)
        if not plan.is_too_long(length):
            meant &= ~plan.is_general(numbers[rows], length)
        else:
            meant[:] = True
        for with_code, some in _classes(meant):
            if with_code:
                read[rows[some]] = _settle(plan_of_code(plan.code), rest[some], rest_length)
            else:
                read[rows[some]] = _settle(plan, numbers[rows[some]], length)
    return read


def _settle(plan: Plan, numbers: Integers, length: int) -> Integers:
    """National numbers, perhaps with a national prefix: the E.164 digits of the valid ones."""
    if plan.national_prefixes is None or length < SHORTEST:
        return _judged(plan, numbers, length)
    read = np.full(len(numbers), UNDECIDED)
    for rows, rest, rest_length in _strip(plan, numbers, length):
        if plan.may_have(rest_length):
            read[rows] = _judged(plan, rest, rest_length)
        else:
            read[rows] = _judged(plan, numbers[rows], length)
    return read


def _strip(plan: Plan, numbers: Integers, length: int) -> Iterator[tuple[npt.NDArray[np.intp], Integers, int]]:
    """(rows, their numbers without the national prefix, how many digits these have); rows that come in no part are
    UNDECIDED."""
    every = np.arange(len(numbers))
    if plan.national_prefixes is None:
        yield every, numbers, length
        return
    for taken, some in _classes(plan.national_prefixes[first_three(numbers, length)]):
        rows = every[some]
        if taken == 0:
            yield rows, numbers[rows], length
        elif taken != UNSURE:
            left = length - taken
            rest = _without(numbers[rows], left)
            stays = plan.is_general(numbers[rows], length) & ~plan.is_general(rest, left)
            if stays.any():
                yield rows[stays], numbers[rows[stays]], length
            if not stays.all():
                yield rows[~stays], rest[~stays], left


def _judged(plan: Plan, numbers: Integers, length: int) -> Integers:
    judge = _valid(plan.code, length)
    if len(str(plan.code)) + length > MOST_DIGITS or not (judge.decisive or judge.otherwise):
        return np.full(len(numbers), INVALID)
    return np.where(judge(numbers), numbers + plan.code * 10**length, INVALID)


@lru_cache(maxsize=4096)
def _general(expression: str | None, length: int) -> Judge:
    return compile_language(pattern(expression) if expression else NOTHING, length)


@lru_cache(maxsize=4096)
def _valid(code: int, length: int) -> Judge:
    """Valid national numbers of so many digits behind a calling code, in whichever region has it."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    if len(regions) == 1:
        return compile_language(_valid_in(plan_of_code(code).metadata, length), length)
    valid, taken = NOTHING, NOTHING
    for region in regions:  # the first region that claims a number is the one that judges it
        plan = plan_of_region(region)
        if plan is None:
            continue
        here = _valid_in(plan.metadata, length)
        leading = plan.metadata.leading_digits
        claimed = beginning(pattern(leading)) if leading else here
        valid = either(valid, both(here, claimed, neither(taken)))
        taken = either(taken, claimed)
    return compile_language(valid, length)


def _valid_in(metadata: PhoneMetadata, length: int) -> Language:
    general = _described(metadata.general_desc, length)
    kinds = [*_KINDS, *(() if metadata.same_mobile_and_fixed_line_pattern else ("mobile",))]
    return both(general, either(*[_described(getattr(metadata, kind), length) for kind in kinds]))


def _described(description: PhoneNumberDesc | None, length: int) -> Language:
    if description is None or not description.national_number_pattern:
        return NOTHING
    if description.possible_length and length not in description.possible_length:
        return NOTHING
    return pattern(description.national_number_pattern)


def _prefixes(expression: str) -> Prefixes:
    try:
        return prefix_lengths(pattern(expression)).copy()
    except UnknownPattern:
        return np.full(1000, UNSURE, np.uint8)


def first_three(numbers: Integers, length: int) -> Integers:
    """The first three of so many digits."""
    return _quotient(numbers, length - 3)


def _quotient(numbers: Integers, digits: int) -> Integers:
    # Unsigned: numpy divides it by a constant two times faster.
    return (numbers.view(np.uint64) // np.uint64(10**digits)).view(np.int64) if digits else numbers


def _without(numbers: Integers, digits: int) -> Integers:
    """The last so many digits."""
    rest: Integers = numbers - _quotient(numbers, digits) * 10**digits
    return rest


def _classes(of: npt.NDArray[np.generic]) -> Iterator[tuple[int, slice | npt.NDArray[np.intp]]]:
    """Each value that occurs and its rows."""
    if not len(of):
        return
    low, high = int(of.min()), int(of.max())
    if low == high:
        yield low, slice(None)
        return
    for value in np.flatnonzero(np.bincount(of)).tolist():
        yield value, np.flatnonzero(of == value)
