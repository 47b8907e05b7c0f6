"""The types of bodies that the first byte of an input chooses from."""

TYPES = (
    ("/v1/chat/completions", "application/json"),
    ("/v1/messages", "application/json"),
    ("/x", "application/json"),
    ("/x", "application/x-ndjson"),
    ("/x", "application/x-www-form-urlencoded"),
    ("/x", "multipart/form-data; boundary=b"),
    ("/x", "text/plain; charset=utf-8"),
    ("/x", "text/event-stream"),
)
CODINGS = ("", "gzip", "br", "deflate", "zstd")
