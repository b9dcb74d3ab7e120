"""Listrak's answers: the envelopes of its description, and its errors as one exception."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response


class Reply(Response):
    """One answer: a JSON body and an HTTP status."""

    media_type = "application/json"


class ApiError(Exception):
    """An answer other than success: `code` is a word of Listrak's registry of errors."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message

    def reply(self) -> Reply:
        """The error as Listrak sends it."""
        return json_reply(self.status, {"status": self.status, "error": self.code, "message": self.message})


def json_reply(status: int, document: Any) -> Reply:
    """A document as JSON."""
    return Reply(msgspec.json.encode(document), status)


def resource(data: Any) -> Reply:
    """A `Resource`; of a list, a `Collection`."""
    return json_reply(200, {"status": 200, "data": data})


def paged(data: list[Any], next_cursor: str) -> Reply:
    """A `CollectionPaged`; the cursor is empty on the last page."""
    return json_reply(200, {"status": 200, "nextPageCursor": next_cursor, "data": data})


def invalid_parameter(name: str, what: str) -> ApiError:
    """ERROR_INVALID_PARAMETER; `what` is wrong with it."""
    return ApiError(400, "ERROR_INVALID_PARAMETER", f"The parameter '{name}' is invalid: {what}.")


def not_found(what: str) -> ApiError:
    """The 404 of a resource."""
    return ApiError(404, "ERROR_UNABLE_TO_LOCATE_RESOURCE", f"Unable to locate the {what}.")


def malformed_body() -> ApiError:
    """The 400 of a body that is not JSON of the right shape."""
    return ApiError(400, "ERROR_MALFORMED_REQUEST_BODY", "The request body is not a valid JSON object.")
