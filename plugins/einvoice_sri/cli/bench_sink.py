"""An SMTP server for ``yupana bench emission --database``: takes everything, keeps nothing.

Run as a process of its own, so that its work is not counted as the product's. It prints its port and
ends when its standard input does.
"""

from __future__ import annotations

import socketserver
import sys
import threading


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say(b"220 sink")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"EHLO":
                self._say(b"250-sink\r\n250 8BITMIME")
            elif word == b"DATA":
                self._say(b"354 go")
                for text in self.rfile:
                    if text == b".\r\n":
                        break
                self._say(b"250 taken")
            elif word == b"QUIT":
                self._say(b"221 bye")
                return
            else:
                self._say(b"250 ok")

    def _say(self, text: bytes) -> None:
        self.wfile.write(text + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main() -> None:
    """Serve until standard input ends."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
