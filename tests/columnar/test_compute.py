"""Arrow's functions without `pyarrow.compute`: the same results, options and errors."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute
import pytest

from listrak_sms_cli.columnar import pc

TEXTS = pa.array(["a1", None, "b", "a1"])


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("utf8_upper", [TEXTS], {}),
        ("match_substring_regex", [TEXTS, "[0-9]"], {}),
        ("match_substring", [TEXTS, "A"], {"ignore_case": True}),
        ("binary_join_element_wise", [TEXTS, "x", "-"], {}),
        ("is_in", [TEXTS], {"value_set": pa.array(["b"])}),
        ("and_", [pa.array([True, None]), pa.array([True, False])], {}),
        ("cast", [pa.array(["1", "20"]), pa.int32()], {}),
        ("take", [TEXTS, pa.array([2, 0])], {}),
        ("filter", [TEXTS, pa.array([True, False, None, True])], {}),
        ("dictionary_encode", [TEXTS], {}),
        ("fill_null", [TEXTS, "none"], {}),
        ("round", [pa.array([1.255, 2.5]), 1], {}),
    ],
)
def test_a_function_is_that_of_pyarrow_compute(name: str, arguments: list[object], options: dict[str, object]) -> None:
    """With options by place or by name, with any number of arguments, and for functions written in Python."""
    expected = getattr(pyarrow.compute, name)(*arguments, **options)
    found = getattr(pc, name)(*arguments, **options)
    assert found.type == expected.type
    assert found.equals(expected)


def test_unsafe_casts_and_unknown_functions_are_refused() -> None:
    """A cast that loses something is an error, as is a function that Arrow does not have."""
    with pytest.raises(pa.ArrowInvalid):
        pc.cast(pa.array([300]), pa.int8())
    with pytest.raises(AttributeError):
        pc.no_such_function  # noqa: B018
