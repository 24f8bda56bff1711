"""An AWS for tests: moto behind a small server that knows what moto does not.

`python tests/aws/emulator.py [--port 0] [--stay]` listens on 127.0.0.1, prints `{"port": N}` as its only line and
serves until its stdin ends, so it cannot outlive the process that started it. With `--stay` it serves until it is
stopped. See README.md for what it teaches moto and for the control path.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading

from gateway import Gateway
from http_server import listen
from moto_bridge import MotoBridge


def exit_with_parent() -> None:
    """The parent holds the other end of stdin; when it dies, even by SIGKILL, the read ends."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


async def serve(port: int, stay: bool) -> None:
    moto = MotoBridge()
    server, bound = await listen(Gateway(moto).handle, port)
    print(json.dumps({"port": bound}), flush=True)
    moto.warm_up()
    if not stay:
        threading.Thread(target=exit_with_parent, daemon=True).start()
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--stay", action="store_true", help="keep serving when stdin ends")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.port, options.stay))
    except KeyboardInterrupt:
        os._exit(0)


if __name__ == "__main__":
    main()
