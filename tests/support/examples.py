"""How many examples Hypothesis draws: all of them in `make test-all`, a fifth in `make test`."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import HealthCheck, settings

USUAL = 100


def draw_examples(*, everything: bool) -> None:
    """Before any test module is imported. No test is on time."""
    settings.register_profile("lsms", deadline=None, max_examples=USUAL if everything else USUAL // 5)
    settings.load_profile("lsms")


def examples(most: int, *, suppress: Iterable[HealthCheck] = ()) -> settings:
    """Decorates a test that draws so many examples in `make test-all`; without it they are a hundred."""
    count = most * settings.default.max_examples // USUAL
    return settings(max_examples=max(count, 5), suppress_health_check=list(suppress))
