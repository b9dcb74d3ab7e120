"""Update the profile fields of Listrak SMS contacts from an audience, and account for every member."""

from __future__ import annotations

__version__ = "0.1.0"
