"""Numbering plans as libphonenumber's metadata describes them, as tables for whole columns of numbers."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import phonenumbers
from msgspec import Struct
from phonenumbers import PhoneMetadata, PhoneNumberDesc

from listrak_sms_cli.audience.phones import patterns
from listrak_sms_cli.audience.phones.tables import UNSURE, DigitTables, compile_language, prefix_lengths
from listrak_sms_cli.columnar import Integers, Mask

# What `phonenumbers.number_type`, and so `is_valid_number`, looks at; mobile has a rule of its own.
_KINDS = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", "fixed_line",
)  # fmt: skip

_WHOLE_NUMBER = re.compile(r"\(\[[\d-]+\]\\d\{(?P<digits>\d+)\}\)\$(?:\|(?P<others>[^$]+))?")
Prefixes = npt.NDArray[np.uint8]  # 1000, by the first three digits: how many digits a prefix takes, or UNSURE


class Plan(Struct, frozen=True, eq=False, dict=True):
    """The numbering plan of a region, or of a calling code without a region, as libphonenumber describes it."""

    metadata: PhoneMetadata

    @property
    def code(self) -> int:
        """The country calling code."""
        return self.metadata.country_code or 0

    @property
    def general(self) -> PhoneNumberDesc:
        """libphonenumber's description that fits every number of the plan."""
        return self.metadata.general_desc or PhoneNumberDesc()

    def national_prefixes(self, length: int) -> Prefixes | None:
        """The national prefix of numbers with so many digits, like the 0 in Germany; None = there is none."""
        expression = self.metadata.national_prefix_for_parsing or ""
        # Where an area code may be left out (Trinidad), one part of the expression is about such short numbers only.
        short = _WHOLE_NUMBER.fullmatch(expression)
        if short and length != 1 + int(short["digits"]):
            expression = short["others"] or ""
        transforms = bool(self.metadata.national_prefix_transform_rule)
        return _national_prefixes(expression, transforms) if expression else None

    @cached_property
    def dialled_abroad(self) -> Prefixes:
        """The international prefix of this plan, like 011 in the United States."""
        expression = self.metadata.international_prefix
        return _prefixes(expression) if expression else np.zeros(1000, np.uint8)

    def is_too_long(self, length: int) -> bool:
        """Does the plan have no number with this many digits or more?"""
        return length not in self.general.possible_length_local_only and length > self.general.possible_length[-1]

    def may_have(self, length: int) -> bool:
        """Would libphonenumber take a national prefix away, if that leaves so many digits?"""
        return length not in self.general.possible_length_local_only and (
            length in self.general.possible_length or length > self.general.possible_length[-1]
        )

    def general_numbers(self, length: int) -> DigitTables:
        """Tables that accept the national numbers of so many digits that fit the plan's general description."""
        return _general(self.general.national_number_pattern if length else None, length)


def region_known(region: str) -> bool:
    """Does libphonenumber know this region (ISO 3166-1, two letters, either case)?"""
    return bool(region) and region.upper() in phonenumbers.SUPPORTED_REGIONS


def known_region(region: str) -> str:
    """The region in capitals; "ZZ", which libphonenumber takes for none, if it does not know it."""
    return region.upper() if region_known(region) else "ZZ"


@lru_cache(maxsize=512)
def plan_of_region(region: str) -> Plan | None:
    """The plan of a region; None for one that libphonenumber does not know, such as ZZ."""
    metadata = PhoneMetadata.metadata_for_region(region.upper(), None) if region_known(region) else None
    return Plan(metadata) if metadata else None


@lru_cache(maxsize=512)
def plan_of_code(code: int) -> Plan:
    """The plan that goes with a calling code; of several regions with one code, the main one. Raises LookupError for a
    code that `calling_codes` does not have."""
    if of_main_region := plan_of_region(phonenumbers.region_code_for_country_code(code)):
        return of_main_region
    metadata = PhoneMetadata.metadata_for_nongeo_region(code, None)
    if metadata is None:
        raise LookupError(f"libphonenumber has no plan for the calling code {code}")
    return Plan(metadata)


@lru_cache(maxsize=1)
def calling_codes() -> npt.NDArray[np.int64]:
    """The calling code that an international number begins with, by its first three digits: int64, 1000; 0 where there
    is none."""
    codes = np.zeros(1000, np.int64)
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        unit = 10 ** (3 - len(str(code)))
        codes[code * unit : (code + 1) * unit] = code
    return codes


def calling_codes_of(numbers: Integers) -> Integers:
    """The calling code of each phone (E.164 digits), 0 where the number is not above 0."""
    tops = np.maximum(numbers, 0)
    while len(wide := np.flatnonzero(tops > 999_999)):
        tops[wide] //= 1000
    while len(wide := np.flatnonzero(tops > 999)):
        tops[wide] //= 10
    return calling_codes()[tops]


def has_other_calling_code(numbers: Integers, region: str) -> Mask:
    """True for each phone (E.164 digits) whose calling code is not the region's; for every phone if libphonenumber does
    not know the region."""
    plan = plan_of_region(region)
    if plan is None:
        return np.ones(len(numbers), np.bool_)
    other = np.ones(len(numbers), np.bool_)
    # Nearly all are mobiles of the region: a range for each of their lengths takes a tenth of the time of first digits.
    for length in (plan.metadata.mobile or plan.general).possible_length:
        unit = 10**length
        other &= (numbers - plan.code * unit).view(np.uint64) >= np.uint64(unit)
    rows = np.flatnonzero(other)
    other[rows] = calling_codes_of(numbers[rows]) != plan.code
    return other


@lru_cache(maxsize=4096)
def _general(expression: str | None, length: int) -> DigitTables:
    return compile_language(patterns.pattern(expression) if expression else patterns.NOTHING, length)


@lru_cache(maxsize=4096)
def valid_numbers(code: int, length: int) -> DigitTables:
    """Tables that accept the valid national numbers of so many digits behind a calling code, in all of its regions."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    if len(regions) == 1:
        return compile_language(_valid_in(plan_of_code(code).metadata, length), length)
    valid, claimed_before = patterns.NOTHING, patterns.NOTHING
    for region in regions:  # a number is valid if the first region that claims it says so
        plan = plan_of_region(region)
        if plan is None:
            continue
        valid_here = _valid_in(plan.metadata, length)
        leading = plan.metadata.leading_digits
        claimed = patterns.beginning_with(patterns.pattern(leading)) if leading else valid_here
        unclaimed = patterns.complement(claimed_before)
        valid = patterns.union(valid, patterns.intersection(valid_here, claimed, unclaimed))
        claimed_before = patterns.union(claimed_before, claimed)
    return compile_language(valid, length)


def _valid_in(metadata: PhoneMetadata, length: int) -> patterns.Language:
    general = _described(metadata.general_desc, length)
    kinds = [*_KINDS, *(() if metadata.same_mobile_and_fixed_line_pattern else ("mobile",))]
    described = [_described(getattr(metadata, kind), length) for kind in kinds]
    return patterns.intersection(general, patterns.union(*described))


def _described(description: PhoneNumberDesc | None, length: int) -> patterns.Language:
    if description is None or not description.national_number_pattern:
        return patterns.NOTHING
    if description.possible_length and length not in description.possible_length:
        return patterns.NOTHING
    return patterns.pattern(description.national_number_pattern)


@lru_cache(maxsize=512)
def _national_prefixes(expression: str, transforms: bool) -> Prefixes:
    lengths = _prefixes(expression)
    if transforms:
        for three in np.flatnonzero((lengths > 0) & (lengths != UNSURE)).tolist():
            match = re.match(expression, f"{three:03}")
            if match is None or (match.re.groups and match.groups()[-1] is not None):
                lengths[three] = UNSURE
    return lengths


def _prefixes(expression: str) -> Prefixes:
    try:
        return prefix_lengths(patterns.pattern(expression)).copy()
    except patterns.UnknownPattern:
        return np.full(1000, UNSURE, np.uint8)
