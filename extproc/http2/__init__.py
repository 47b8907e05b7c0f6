"""gRPC over HTTP/2, served by the event loop itself: no thread, no lock and no wake-up between a socket and a stream.

grpc.aio hands every message from a thread of its own to the event loop, through a queue, a lock and a pipe; at a few
hundred requests a second that costs twice what an answer does. Here a message is handed on where it is read. What stays
gRPC's: the handlers, the status codes, the health service, and every client.

`Server` takes the place of `grpc.aio.Server` with those of its methods that a processor needs, and runs the same handlers.
"""

from extproc.http2.call import Call
from extproc.http2.server import Server
from extproc.http2.tls import Certificates

__all__ = ["Call", "Certificates", "Server"]
