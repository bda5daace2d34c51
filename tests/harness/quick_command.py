"""The command `consortium` without the second that loading it takes: a page has dozens of them.

    with quick_command(folder) as path:    # put `path` at the front of PATH
        ...

One process loads the program; each call is a fork of it with the caller's arguments, folder,
environment and standard streams. What runs is the program's own `main`, and the exit code is its.
The installed command itself is run by test_package.py and by the fixture `demo`.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CALL = """#!{python} -IS
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
words = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
streams = array.array("i", [0, 1, 2])
server.sendmsg([b"%08d" % len(words)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
server.sendall(words)
sys.exit(int(server.recv(8) or b"70"))
"""


@contextmanager
def quick_command(folder: Path, *, environment: dict[str, str]) -> Iterator[Path]:
    """A folder that holds the command, for as long as the block runs."""
    address = str(folder / "socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    command = folder / "bin/consortium"
    command.parent.mkdir()
    command.write_text(CALL.format(python=sys.executable, address=address), encoding="utf-8")
    command.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, "-m", __name__, str(listener.fileno())],
        cwd=Path(__file__).parents[2],
        env=environment,
        pass_fds=[listener.fileno()],
    )
    listener.close()
    try:
        yield command.parent
    finally:
        server.terminate()
        server.wait()


def serve(listener: socket.socket) -> None:
    """Answer calls, one after the other."""
    from consortium_cli import main  # noqa: PLC0415 - what takes the time

    importlib.import_module("consortium.app")
    for noun in main.cli.list_commands(None):  # type: ignore[arg-type] # it does not look at it
        importlib.import_module(f"consortium_cli.{noun}")
    while True:
        caller, _ = listener.accept()
        head, streams, _, _ = socket.recv_fds(caller, 8, 3)
        words = b""
        while len(words) < int(head):
            words += caller.recv(int(head) - len(words))
        child = os.fork()
        if child == 0:
            _become(streams, *json.loads(words))
        for stream in streams:
            os.close(stream)
        caller.sendall(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        caller.close()


def _become(
    streams: list[int], arguments: list[str], folder: str, environment: dict[str, str]
) -> None:
    from consortium_cli.main import main  # noqa: PLC0415 - loaded already

    code: object = 70
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        main(arguments)
    except SystemExit as exit_:
        code = exit_.code
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
