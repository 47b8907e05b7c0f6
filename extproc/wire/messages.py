"""The messages of ext_proc: envoy-data-plane gives the schema, protobuf's C core does the work.

envoy-data-plane's dataclasses are the one source of the schema, and they keep all of it: number, type, group, map and
class of every field. Reading and writing them in Python takes 100 to 200 µs a message, so the same messages are built
once more, at import, as classes of protobuf's C core, which take less than one. `tests/unit/wire/test_messages.py` holds the
two to the same bytes in both directions.

Nothing but `codec.py` and `access_log.py` reads or writes a message.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from envoy_data_plane.envoy.service.accesslog import v3 as log_schema
from envoy_data_plane.envoy.service.ext_proc import v3 as schema
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVICE = "envoy.service.ext_proc.v3.ExternalProcessor"
METHOD = "Process"
LOG_SERVICE = "envoy.service.accesslog.v3.AccessLogService"
LOG_METHOD = "StreamAccessLogs"

_PACKAGE = "intentmesh.wire"
_Type = descriptor_pb2.FieldDescriptorProto.Type
_Label = descriptor_pb2.FieldDescriptorProto.Label


def derive(roots: Iterable[type[Any]]) -> dict[str, type[Any]]:
    """Message classes of the C core, by name, for these betterproto2 dataclasses and all that they hold."""
    file = descriptor_pb2.FileDescriptorProto(name="intentmesh/wire.proto", package=_PACKAGE, syntax="proto3")
    sources: dict[str, type[Any]] = {}
    waiting = list(roots)
    while waiting:
        source = waiting.pop()
        known = sources.setdefault(source.__name__, source)
        if known is not source:
            raise TypeError(f"two messages are named {source.__name__}: {known.__module__} and {source.__module__}")
        if any(message.name == source.__name__ for message in file.message_type):
            continue
        waiting += _describe(source, file.message_type.add(name=source.__name__))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in sources}


def _describe(source: type[Any], message: descriptor_pb2.DescriptorProto) -> list[type[Any]]:
    """Describe one message, field by field; the messages that it holds are returned."""
    held: list[type[Any]] = []
    oneofs: dict[str, int] = {}
    for field in dataclasses.fields(source):
        meta = field.metadata["betterproto"]
        if meta.group and meta.group not in oneofs:
            oneofs[meta.group] = len(message.oneof_decl)
            message.oneof_decl.add(name=meta.group)
        described = message.field.add(name=field.name, number=meta.number)
        described.label = _Label.LABEL_REPEATED if meta.repeated or meta.map_meta else _Label.LABEL_OPTIONAL
        if meta.group:
            described.oneof_index = oneofs[meta.group]
        if meta.map_meta:
            held += _describe_map(source, field.name, meta.map_meta, message, described)
        else:
            held += _type_field(described, meta, _schema(source).cls_by_field[field.name])
    for described in message.field:  # presence of a plain `optional` field is a group of one, declared after the others
        meta = _schema(source).meta_by_field_name[described.name]
        if meta.optional and not meta.group and described.type != _Type.TYPE_MESSAGE:
            described.proto3_optional = True
            described.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{described.name}")
    return held


def _describe_map(
    source: type[Any],
    name: str,
    metas: tuple[Any, Any],
    message: descriptor_pb2.DescriptorProto,
    described: descriptor_pb2.FieldDescriptorProto,
) -> list[type[Any]]:
    """A map is a repeated message of key and value, marked as one."""
    entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    described.type = _Type.TYPE_MESSAGE
    described.type_name = f".{_PACKAGE}.{message.name}.{entry.name}"
    held: list[type[Any]] = []
    for meta, part, cls in zip(
        metas, ("key", "value"), (str, _schema(source).cls_by_field[f"{name}.value"]), strict=True
    ):
        held += _type_field(entry.field.add(name=part, number=meta.number, label=_Label.LABEL_OPTIONAL), meta, cls)
    return held


def _type_field(described: descriptor_pb2.FieldDescriptorProto, meta: Any, cls: type[Any]) -> list[type[Any]]:
    if meta.proto_type == "message":
        cls = meta.unwrap() if meta.unwrap else cls
        described.type = _Type.TYPE_MESSAGE
        described.type_name = f".{_PACKAGE}.{cls.__name__}"
        return [cls]
    # An enum is an int32 on the wire, and one value more in a later Envoy stays readable that way.
    kind = "int32" if meta.proto_type == "enum" else meta.proto_type
    described.type = _Type.Value(f"TYPE_{kind.upper()}")
    return []


def _schema(source: type[Any]) -> Any:
    """Fields, groups and classes of a message, as betterproto2 keeps them. 2.x is pinned for it."""
    return source._betterproto  # noqa: SLF001


MESSAGES = derive([schema.ProcessingRequest, schema.ProcessingResponse, log_schema.StreamAccessLogsMessage])
ProcessingRequest = MESSAGES["ProcessingRequest"]
ProcessingResponse = MESSAGES["ProcessingResponse"]
StreamAccessLogsMessage = MESSAGES["StreamAccessLogsMessage"]
