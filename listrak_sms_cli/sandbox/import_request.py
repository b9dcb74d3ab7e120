"""The body of *Start a Contact Update Import*, received to disk, checked, its file decoded to disk.

The body may be 250 MiB: it is read through a memory map, and the file inside is decoded piece by piece, so
neither is ever whole in memory.
"""

from __future__ import annotations

import binascii
import hashlib
import mmap
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import msgspec

from listrak_sms_cli.sandbox.config import MAX_FILE_BYTES
from listrak_sms_cli.sandbox.csv_width import has_too_many_columns
from listrak_sms_cli.sandbox.imports import ImportFile, MappedColumn, file_width
from listrak_sms_cli.sandbox.replies import ApiError, invalid_parameter, malformed_body
from listrak_sms_cli.sandbox.requests import MAX_JSON_BYTES, json_of, too_large
from listrak_sms_cli.sandbox.values import Field

PIECE = 4 * 1024 * 1024


class _Body(msgspec.Struct, rename="camel"):
    """The keys of a request, all of them required, each as it stands in the body; other keys are passed over."""

    file_name: msgspec.Raw = msgspec.Raw()
    file_stream: msgspec.Raw = msgspec.Raw()
    import_type: msgspec.Raw = msgspec.Raw()
    has_column_names: msgspec.Raw = msgspec.Raw()
    text_qualifier: msgspec.Raw = msgspec.Raw()
    file_mappings: msgspec.Raw = msgspec.Raw()


_KEYS = {field.encode_name: field.name for field in msgspec.structs.fields(_Body)}


@dataclass(frozen=True)
class ImportRequest:
    """A valid request; `digest` is the SHA-256 of the file, in hexadecimal."""

    file_name: str
    source: ImportFile
    size: int
    digest: str


def read_import_request(body: IO[bytes], fields: Sequence[Field]) -> ImportRequest:
    """Check a body (a real file) against the description and the account's fields. Raises ApiError."""
    body.flush()
    if body.seek(0, 2) == 0:
        raise malformed_body()
    # Not closed by hand: the raw keys look into it for as long as they live.
    mapped = mmap.mmap(body.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        body = json_of(mapped, _Body)
        keys = {key: raw for key, name in _KEYS.items() if (raw := getattr(body, name))}
        stream = keys.pop("fileStream", None)
        if sum(map(len, keys.values())) > MAX_JSON_BYTES:
            raise too_large()
        plain = {key: json_of(raw) for key, raw in keys.items()}
    except ValueError:
        raise malformed_body() from None
    check_plain_keys(plain, stream is not None)
    phone_position, columns = read_mappings(plain["fileMappings"], fields)
    file, size, digest = decode_file(memoryview(stream or b""))
    qualifier = plain["textQualifier"].strip()
    if has_too_many_columns(file, qualifier):
        file.close()
        raise too_large()
    width = file_width(file, qualifier)
    if max([phone_position, *(column.position for column in columns)]) >= width:
        file.close()
        raise invalid_parameter("fileColumn", "the file has no such column")
    source = ImportFile(file, width, plain["hasColumnNames"], qualifier, phone_position, columns)
    return ImportRequest(plain["fileName"], source, size, digest)


def check_plain_keys(plain: Mapping[str, Any], has_stream: bool) -> None:
    """Raises ApiError for a missing or wrong key; `plain`: all of them but the file."""
    for key in _KEYS:
        if (plain.get(key) is None) if key != "fileStream" else not has_stream:
            raise invalid_parameter(key, "it is required")
    if not isinstance(plain["fileName"], str) or not plain["fileName"].strip():
        raise invalid_parameter("fileName", "it must be a file name")
    if plain["importType"] != "UpdateSubscribers":
        raise invalid_parameter("importType", "it must be 'UpdateSubscribers'")
    if not isinstance(plain["hasColumnNames"], bool):
        raise invalid_parameter("hasColumnNames", "it must be true or false")
    qualifier = plain["textQualifier"]
    if not isinstance(qualifier, str) or qualifier.strip() not in ("", "'", '"'):
        raise invalid_parameter("textQualifier", "it must be ', \" or blank")
    if not isinstance(plain["fileMappings"], list) or not plain["fileMappings"]:
        raise invalid_parameter("fileMappings", "it must be a list of mappings")


def read_mappings(mappings: Sequence[Any], fields: Sequence[Field]) -> tuple[int, list[MappedColumn]]:
    """The position of the phone and the columns of fields; every position and every field once."""
    phones: list[int] = []
    columns: list[MappedColumn] = []
    by_id = {field.id: field for field in fields}
    for mapping in mappings:
        if not isinstance(mapping, dict):
            raise invalid_parameter("fileMappings", "a mapping must be an object")
        position = _whole(mapping, "fileColumn")
        field_id = _whole(mapping, "segmentationFieldId")
        default = mapping.get("defaultValue")
        if default is not None and not isinstance(default, str):
            raise invalid_parameter("defaultValue", "it must be a string")
        kind = mapping.get("fileColumnType")
        if kind == "Phone":
            if field_id != 0:
                raise invalid_parameter("segmentationFieldId", "it must be 0 for a Phone column")
            phones.append(position)
        elif kind == "SegmentationField":
            columns.append(MappedColumn(position, usable_field(by_id, field_id), default or ""))
        else:
            raise invalid_parameter("fileColumnType", "it must be Phone or SegmentationField")
    if len(phones) != 1:
        raise invalid_parameter("fileMappings", "exactly one column must be the Phone")
    positions = [*phones, *(column.position for column in columns)]
    if len(set(positions)) < len(positions):
        raise invalid_parameter("fileColumn", "a column is mapped twice")
    if len({column.field.id for column in columns}) < len(columns):
        raise invalid_parameter("segmentationFieldId", "a profile field is mapped twice")
    return phones[0], columns


def usable_field(by_id: Mapping[int, Field], field_id: int) -> Field:
    """The field of this id. Raises ApiError when there is none, or when it is disabled."""
    field = by_id.get(field_id)
    if field is None:
        raise ApiError(
            400,
            "ERROR_INVALID_SEGMENTATION_FIELD_ID",
            f"The profile field {field_id} does not exist on this sender code.",
        )
    if not field.active:
        raise ApiError(400, "ERROR_SEGMENTATION_FIELD_DISABLED", f"The profile field {field_id} is disabled or purged.")
    return field


def decode_file(stream: memoryview) -> tuple[IO[bytes], int, str]:
    """A JSON string of base64, as it stands in the body -> the file, its size and digest."""
    if len(stream) < 3 or stream[0] != ord('"'):
        raise invalid_parameter("fileStream", "it must be a file in base64")
    encoded: Any = stream[1:-1]
    # `\/` is the one escape that JSON writers put into base64; such a body is rare, so it is simply copied.
    if b"\\" in bytes(encoded[:PIECE]) or b"\\" in bytes(encoded[-PIECE:]):
        try:
            encoded = memoryview(json_of(stream, str).encode("ascii"))
        except ValueError:
            raise invalid_parameter("fileStream", "it is not base64") from None
    file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the import)
    hasher, size = hashlib.sha256(), 0
    try:
        for start in range(0, len(encoded), PIECE):
            piece = binascii.a2b_base64(encoded[start : start + PIECE], strict_mode=True)
            size += len(piece)
            hasher.update(piece)
            file.write(piece)
    except binascii.Error:
        file.close()
        raise invalid_parameter("fileStream", "it is not base64") from None
    if size > MAX_FILE_BYTES:
        file.close()
        raise invalid_parameter("fileStream", f"the file is larger than {MAX_FILE_BYTES} bytes")
    return file, size, hasher.hexdigest()


def _whole(mapping: Mapping[str, Any], key: str) -> int:
    value = mapping.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid_parameter(key, "it must be a whole number from 0")
    return value
