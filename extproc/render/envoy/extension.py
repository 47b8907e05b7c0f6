"""Short ways to say what every part of an Envoy configuration needs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core.v3 import Address, Pipe, SocketAddress, TypedExtensionConfig
from envoy_data_plane.google.protobuf import Any as AnyMessage

from extproc.config.addresses import split_address

if TYPE_CHECKING:
    import betterproto2


def packed(message: betterproto2.Message) -> AnyMessage:
    """The message with its type: what Envoy calls a typed config."""
    return AnyMessage.pack(message)


def extension(name: str, message: betterproto2.Message) -> TypedExtensionConfig:
    """A named extension and its configuration."""
    return TypedExtensionConfig(name=name, typed_config=packed(message))


def seconds(value: float) -> timedelta:
    """A duration."""
    return timedelta(seconds=value)


def socket_address(address: str) -> Address:
    """`host:port`."""
    host, port = split_address(address)
    return Address(socket_address=SocketAddress(address=host, port_value=port))


def pipe_address(path: str) -> Address:
    """A Unix socket."""
    return Address(pipe=Pipe(path=path))
