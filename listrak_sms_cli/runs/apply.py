"""`lsms apply`: a plan carried out, if what it stands on is still so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from msgspec.structs import replace

from listrak_sms_cli import options as declared
from listrak_sms_cli.audience import ProfileField, rewrite_names
from listrak_sms_cli.audience.source import Audience
from listrak_sms_cli.errors import GuardStopped, SettingsError, UsageError
from listrak_sms_cli.runs.account import Account, plain_name, with_system_fields
from listrak_sms_cli.runs.events import Listener, silent
from listrak_sms_cli.runs.findings import A_FRAME
from listrak_sms_cli.runs.options import PushOptions, push_options
from listrak_sms_cli.runs.plan_file import MAKE_A_PLAN, Plan, planned_changes, slow_digest
from listrak_sms_cli.runs.prepare import PlannedAudience
from listrak_sms_cli.runs.push import Promise, push_as_promised
from listrak_sms_cli.runs.readback import Survey
from listrak_sms_cli.runs.record import Destination, RecipeColumn, fingerprint, recipe_of, rules_of
from listrak_sms_cli.runs.report import Report
from listrak_sms_cli.settings import Settings
from listrak_sms_cli.stores import StoreUrl


class ApplyOptions(declared.Applying):
    """What may have moved since the plan was made; `sending`: options of the push, by name."""

    def __init__(self, sending: Mapping[str, Any] | None = None, **given: object) -> None:
        super().__init__(**given)
        self.sending = sending or {}

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Those of the values given that are options of this class; the others are of the push."""
        options = super().of(given)
        options.sending = {name: value for name, value in given.items() if value or name != "storage_option"}
        return options


def apply_plan(
    path: Path | StoreUrl, settings: Settings, options: ApplyOptions, tell: Listener = silent, audience: object = None
) -> Report:
    """Send just the members that differ. `audience`: where it is now, None = where it was. Returns the Report of the
    push; raises LsmsError that carries it, GuardStopped (`plan_stale`) when audience, profile fields or stored values
    are not as they were."""
    plan = Plan.load(path)
    settings = _settings_of(plan, settings)
    source = plan.recipe.path if audience is None else audience
    if audience is None and source == "-":
        raise UsageError(
            "The plan was made of standard input, or of a frame, which is gone.",
            hint="Name a file with the same content: --audience FILE",
            code="audience_gone",
        )
    # Its record is compared with those of other pushes of the audience, wherever the file is now.
    name = {} if plan.audience == A_FRAME else {"audience_name": plan.audience}
    push = push_options({**name, **plan.options, **options.sending, "only_different": True})
    promise = Promise() if options.anyway else _PlanStands(plan, push, options.max_moved)
    return push_as_promised(source, settings, push, promise, tell)


def _settings_of(plan: Plan, settings: Settings) -> Settings:
    """The settings, with the sender code of the plan. Raises SettingsError when they lead to another account."""
    here = Destination(settings.api_url, fingerprint(settings.credentials()[0]), plan.target.sender_code)
    if here != plan.target:
        raise SettingsError(
            "The plan was made for another API base or with another client id.",
            hint=f"Use the credentials (or --profile) it was made with, for {plan.target.api_url}",
            code="other_account",
        )
    return dataclasses.replace(settings, sender_code=plan.target.sender_code)


class _PlanStands(Promise):
    """What a plan stands on."""

    def __init__(self, plan: Plan, push: PushOptions, max_moved: float | None) -> None:
        self._plan = plan
        self._push = push
        self._max_moved = max_moved

    def check_columns(self, audience: Audience, account: Account) -> None:
        header = list(rewrite_names(audience.columns))
        if header != self._plan.recipe.header:
            raise _stale("the columns of the audience are others")
        fields = with_system_fields(account.fields) if self._push.per_contact else account.fields
        if moved := list(_lost_fields(self._plan.recipe.columns, fields)):
            raise _stale("; ".join(moved))

    def check_plan(self, planned: PlannedAudience) -> PlannedAudience:
        recipe = self._plan.recipe
        now = recipe_of(planned.audience, planned.plan, planned.rules, self._push.reading.read, recipe.path)
        moved = list(_changed_fields(recipe.columns, now.columns))
        if moved:
            raise _stale("; ".join(moved))
        return replace(planned, rules=rules_of(recipe))

    def check_audience(self, survey: Survey) -> None:
        if slow_digest(survey.content, self._plan.salt) != self._plan.audience_digest:
            then, now = self._plan.rows_sendable, survey.members
            raise _stale(f"the audience's content has changed ({then:,} members could be sent then, {now:,} now)")

    def check_stored(self, survey: Survey) -> None:
        plan = self._plan
        missing = [f"not in Listrak {plan.not_in_listrak:,} then, {survey.missing:,} now"]
        moved, members = missing * (survey.missing != plan.not_in_listrak), abs(survey.missing - plan.not_in_listrak)
        for then, now in zip(plan.changes, planned_changes(survey, plan.salt), strict=True):
            if then == now:
                continue
            before, after = then.counts, now.counts
            counts = [
                f"{word} {before[word]:,} then, {after[word]:,} now" for word in before if before[word] != after[word]
            ]
            moved.append(f"{then.column}: {', '.join(counts) or 'other values, with the same counts'}")
            members = max(members, sum(abs(after[word] - before[word]) for word in before) // 2)
        if not moved or (self._max_moved is not None and 100 * members <= self._max_moved * plan.rows_sendable):
            return
        raise _stale(
            f"the stored values have moved: {'; '.join(moved)}", "a live account is tolerated with --max-moved PCT; "
        )


def _lost_fields(columns: list[RecipeColumn], fields: Sequence[ProfileField]) -> Iterator[str]:
    """What became of fields that are not there any more under their id and name, or are disabled."""
    active = {field.id: field for field in fields if field.active and field.id}
    names = {plain_name(field.name): field for field in fields if field.active}
    for column in columns:
        name = plain_name(column.field_name)
        found, named = active.get(column.field_id), names.get(name)
        if found is None and named is None:
            yield f"the field {column.field_name} (id {column.field_id}) is gone or disabled"
        elif found is None and named is not None and named.id != column.field_id:
            yield f"the field {column.field_name} was created again (id {column.field_id} then, {named.id} now)"
        elif found is not None and plain_name(found.name) != name:
            yield f"the field {column.field_name} (id {column.field_id}) is called {found.name} now"


def _changed_fields(then: list[RecipeColumn], now: list[RecipeColumn]) -> Iterator[str]:
    if [column.name for column in then] != [column.name for column in now]:
        yield "other columns of the audience are sent"
        return
    for before, after in zip(then, now, strict=True):
        facts = {
            "id": (before.field_id, after.field_id),
            "type": (before.kind, after.kind),
            "length": (before.max_length, after.max_length),
        }
        moved = [f"{what} {old} then, {new} now" for what, (old, new) in facts.items() if old != new]
        if moved:
            yield f"the field {before.field_name} has changed: {', '.join(moved)}"


def _stale(what: str, tolerate: str = "") -> GuardStopped:
    return GuardStopped(
        f"The plan is stale: {what}. Nothing was sent.",
        hint=f"Make a new plan ({MAKE_A_PLAN}); {tolerate}--anyway sends what differs now.",
        code="plan_stale",
    )
