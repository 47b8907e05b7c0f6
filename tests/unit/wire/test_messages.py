"""The C core's messages are the same messages as envoy-data-plane's: both encode and decode to the same bytes."""

import dataclasses
import datetime as dt
import struct

import pytest
from betterproto2 import Enum
from envoy_data_plane.envoy.extensions.filters.http.ext_proc import v3 as filter_schema
from envoy_data_plane.envoy.service.accesslog import v3 as log_schema
from envoy_data_plane.envoy.service.ext_proc import v3 as schema
from envoy_data_plane.google.protobuf import Struct

from extproc.exchange.events import BodyMode
from extproc.wire import messages as wire

ROOTS = (schema.ProcessingRequest, schema.ProcessingResponse, log_schema.StreamAccessLogsMessage)
SCALARS = {
    "string": "žlutý/1",
    "bytes": b"\x00\xffbytes",
    "bool": True,
    "uint32": 2**32 - 1,
    "uint64": 2**64 - 1,
    "int32": -7,
    "int64": -(2**62),
    "double": 2.5,
}


UNWRAPPED = {
    dt.timedelta: dt.timedelta(seconds=1.25),
    dt.datetime: dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    bool: True,
    int: 1,
}


def fill(cls, depth):
    """A dataclass message with every field set that can be; of a group, each member in a message of its own."""
    fields = dataclasses.fields(cls)
    groups = {f.metadata["betterproto"].group for f in fields} - {None}
    picks = max((sum(f.metadata["betterproto"].group == g for f in fields) for g in groups), default=1)
    for pick in range(picks):
        seen = dict.fromkeys(groups, 0)
        values = {}
        for field in fields:
            meta = field.metadata["betterproto"]
            if meta.group:
                index, seen[meta.group] = seen[meta.group], seen[meta.group] + 1
                if index != pick:
                    continue
            value = example(cls, field, meta, depth)
            if value is not None:
                values[field.name] = value
        yield cls(**values)


def example(cls, field, meta, depth):
    """A value that is not the default one."""
    held = cls._betterproto.cls_by_field[field.name]
    if meta.map_meta:
        inner = cls._betterproto.cls_by_field[f"{field.name}.value"]
        if inner is str:
            return {"first": SCALARS["string"]}
        return {"first": first(inner, depth), "second": first(inner, depth)} if depth else None
    if meta.proto_type == "message":
        if held in UNWRAPPED:
            return UNWRAPPED[held]
        value = first(held, depth) if depth else None
        return [value, value] if meta.repeated and value is not None else value
    value = max(held, key=int) if meta.proto_type == "enum" else SCALARS[meta.proto_type]
    return [value, value] if meta.repeated else value


def first(cls, depth):
    """One filled message."""
    return next(fill(cls, depth - 1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("root", ROOTS, ids=lambda c: c.__name__)
def test_both_encode_the_same_messages(root):
    """What one library writes, the other reads and writes again without losing a field."""
    count = 0
    for message in fill(root, depth=9):
        data = bytes(message)
        ours = wire.MESSAGES[root.__name__].FromString(data)
        again = ours.SerializeToString()
        assert root.parse(data) == root.parse(again)  # not byte by byte: the order of a map is free
        ours.DiscardUnknownFields()
        assert ours.SerializeToString() == again
        count += 1
    assert count >= 2


def test_every_field_is_derived():
    """Each message has the fields of its source, with their numbers and no other."""
    by_name = {source.__name__: source for source in sources()}
    for name, message in wire.MESSAGES.items():
        expected = {f.name: f.metadata["betterproto"].number for f in dataclasses.fields(by_name[name])}
        assert expected == {f.name: f.number for f in message.DESCRIPTOR.fields}, name


def sources():
    """The betterproto dataclasses that the messages are derived from."""
    found, waiting = set(), [*ROOTS]
    while waiting:
        cls = waiting.pop()
        if cls in found:
            continue
        if cls is str:  # the value of a map
            continue
        found.add(cls)
        for field in dataclasses.fields(cls):
            meta = field.metadata["betterproto"]
            key = f"{field.name}.value" if meta.map_meta else field.name
            if meta.map_meta or meta.proto_type == "message":
                waiting.append(meta.unwrap() if meta.unwrap else cls._betterproto.cls_by_field[key])
    return found


def test_maps_are_maps():
    """A map of the schema is a map here: a key told twice holds the last value."""
    message = wire.ProcessingResponse()
    message.dynamic_metadata.fields["a"].string_value = "x"
    message.dynamic_metadata.fields["b"].number_value = 2.0
    decoded = schema.ProcessingResponse.parse(message.SerializeToString())
    assert Struct.from_dict({"a": "x", "b": 2.0}) == decoded.dynamic_metadata


def test_unknown_enum_values_survive():
    """A body mode that a later Envoy invents is read as its number."""
    data = struct.pack("4B", 0x5A, 2, 0x08, 9)  # protocol_config { request_body_mode: 9 }
    assert wire.ProcessingRequest.FromString(data).protocol_config.request_body_mode == 9


def test_our_body_modes_are_those_of_the_schema():
    """`events.BodyMode` copies names and numbers, so that events stay free of protobuf."""
    theirs = filter_schema.ProcessingModeBodySendMode
    assert issubclass(theirs, Enum)
    assert {mode.name: mode.value for mode in theirs} == {mode.name: mode.value for mode in BodyMode}
