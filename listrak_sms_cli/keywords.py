"""The keywords of the functions of Python, for editors and type checkers.

A test holds them against the declarations in `listrak_sms_cli.options`, which say what each means. Durations are
seconds, or a text such as `10m`; shares are percent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Literal, TypedDict


class SettingsKeywords(TypedDict, total=False):
    """Settings."""

    client_id: str | int | None
    client_secret: str | None
    api_url: str | None
    token_url: str | None
    profile: str | None
    config: str | PathLike[str] | None
    state_dir: str | PathLike[str] | None
    give_up_after: float | str | None


class ReadingKeywords(SettingsKeywords, total=False):
    """Settings, and how the audience and its phones are read."""

    sender_code: int | str | None
    format: str | None
    delimiter: str | None
    quote: str | None
    escape: str | None
    encoding: str | None
    sheet: str | None
    source: str | None
    null_value: str | Iterable[str] | None
    storage_option: Mapping[str, str | float | bool] | None
    phone_column: str | None
    exact_names: bool | None
    region: str | None
    phone_format: Literal["digits", "e164", "national"] | None


class PullKeywords(ReadingKeywords, total=False):
    """The keywords of `pull`."""

    force: bool | None
    list: int | None
    subscribed_only: bool | None


class CleaningKeywords(ReadingKeywords, total=False):
    """Those, and how members are cleaned."""

    date_format: str | None
    map: Mapping[str, str | int] | None
    skip_column: str | Iterable[str] | None
    skip_unmatched: bool | None
    consent_column: str | None
    keep: Literal["first", "last"] | None
    on_bad_value: Literal["drop", "blank"] | None
    empty_cells: Literal["send", "keep"] | None
    limit: int | None
    allow_empty: bool | None
    report: str | PathLike[str] | None


class VerifyKeywords(CleaningKeywords, total=False):
    """The keywords of `verify`."""

    sample: int | None
    min_match: float | None
    out: str | PathLike[str] | None


class SharedKeywords(CleaningKeywords, total=False):
    """Those of `push`, `validate` and `plan`."""

    rejects: str | PathLike[str] | None
    max_drop_rate: float | None
    no_warn: str | Iterable[str] | None


class ValidateKeywords(SharedKeywords, total=False):
    """The keywords of `validate`."""

    offline: bool | None


class PlanKeywords(SharedKeywords, total=False):
    """The keywords of `plan`."""

    exclude_opted_out: bool | None
    per_contact: bool | None
    out: str | PathLike[str] | None
    save: str | PathLike[str] | None
    show_values: bool | None
    show_phones: bool | None


class WaitingKeywords(TypedDict, total=False):
    """How import files are sent, and waited for."""

    concurrency: int | None
    wait: bool | None
    wait_timeout: float | str | None


class ResumeKeywords(SettingsKeywords, WaitingKeywords, total=False):
    """The keywords of `resume`."""

    anyway: bool | None
    skip_canary: bool | None


class SendingKeywords(WaitingKeywords, total=False):
    """How members are sent."""

    batch_rows: int | None
    yes: bool | None
    canary: int | None
    undo: str | PathLike[str] | None
    canary_seed: int | None
    verify: bool | None
    verify_sample: int | None
    dry_run: bool | None


class ApplyKeywords(SettingsKeywords, SendingKeywords, total=False):
    """The keywords of `apply`."""

    storage_option: Mapping[str, str | float | bool] | None
    no_warn: str | Iterable[str] | None
    max_moved: float | None
    anyway: bool | None


class PushKeywords(SharedKeywords, SendingKeywords, total=False):
    """The keywords of `push`."""

    max_shrink: float | None
    max_fill_drop: float | None
    audience_name: str | None
    anyway: bool | None
    only_existing: bool | None
    only_different: bool | None
    exclude_opted_out: bool | None
    changed_only: bool | None
    full: bool | None
    refresh_after: float | str | None
    per_contact: bool | None
    sandbox: bool | None
    sandbox_fields: Literal["invent", "account"] | None
    fields: str | PathLike[str] | None
    notify: str | None
    metrics_file: str | PathLike[str] | None
