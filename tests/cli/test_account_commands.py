"""`lsms fields`, `sender-codes`: what the account has."""

from __future__ import annotations

from tests.support.world import World


def test_fields_are_listed_with_the_column_an_audience_would_use(world: World) -> None:
    """Id, name, type, maximal length, state, column; as a table and as JSON."""
    listed = world.lsms("fields", "--json").json["fields"]
    tier = next(field for field in listed if field["name"] == "Loyalty Tier")
    assert tier == {
        "id": 7,
        "name": "Loyalty Tier",
        "type": "Text",
        "max_length": 50,
        "state": tier["state"],
        "column": "Loyalty_Tier",
    }
    assert "Loyalty_Tier" in world.lsms("fields").out


def test_sender_codes_are_listed(world: World) -> None:
    """Those the credential may use, with their countries."""
    listed = world.lsms("sender-codes", "--json").json["sender_codes"]
    assert {(code["id"], code["country"]) for code in listed} >= {(1026, "US"), (1028, "GB")}
    assert "1026" in world.lsms("sender-codes").out
