"""One end of a socket to a process that may write anything to it: messages, one JSON object a line.

Knows the form of a message, not what it says.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

from odyssey_asv.adapter.paired import worker as program

_SEND_S = 120.0

Message = dict[str, Any]


class GarbledError(Exception):
    """What came is no message."""


class Line:
    """One end of a socket that brings messages, one JSON object a line."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.socket = end
        self.ended = False
        self._rest = bytearray()
        self._searched = 0

    def read(self) -> bool:
        """Take what has arrived, if anything. Raises `GarbledError` for a line without end."""
        try:
            chunk = self.socket.recv(1 << 18)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        self.ended = not chunk
        self._rest += chunk
        if len(self._rest) > program.LONGEST_LINE and self._rest.find(b"\n", self._searched) < 0:
            raise GarbledError
        return bool(chunk)

    def forget(self) -> None:
        self._rest.clear()
        self._searched = 0

    def next(self) -> Message | None:
        """The next message, None where none is complete. Raises `GarbledError`."""
        at = self._rest.find(b"\n", self._searched)
        if at < 0:
            self._searched = len(self._rest)
            return None
        line = bytes(self._rest[:at])
        del self._rest[: at + 1]
        self._searched = 0
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise GarbledError from None
        if not isinstance(message, dict) or not isinstance(message.get("event"), str):
            raise GarbledError
        return message

    def send(self, message: Message, passing: socket.socket | None = None) -> None:
        """Send a message, and a socket with it. What goes wrong is told by the answer that does not
        come."""
        data = json.dumps(message).encode() + b"\n"
        with suppress(OSError):
            self.socket.settimeout(_SEND_S)
            try:
                if passing is not None:
                    sent = socket.send_fds(self.socket, [data], [passing.fileno()])
                    data = data[sent:]
                self.socket.sendall(data)
            finally:
                self.socket.setblocking(False)

    def close(self) -> None:
        self.ended = True
        with suppress(OSError):
            self.socket.close()
