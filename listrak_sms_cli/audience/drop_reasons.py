"""The words for why a member is dropped, in the order of the checks."""

DUPLICATE = "duplicate_phone"
DROP_REASONS = (
    "missing_phone",
    "invalid_phone",
    DUPLICATE,
    "no_consent",
    "opted_out",
    "bad_value",
    "value_too_long",
    "not_in_listrak",
)
