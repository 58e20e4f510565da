"""The helper that forks engines: a fresh process that has imported numpy and distob and runs no user code.

It speaks the protocol of src/cluster/launcher.h over descriptor 3. Forking it takes a millisecond where a new interpreter
with numpy takes fifty, and shares the memory of what it has imported.
"""

from __future__ import annotations

import gc
import os
import random
import signal
import socket
import struct
import sys
import types
from typing import NoReturn

_CONTROL = 3
_MESSAGE = 1024


class _Zygote:
    def __init__(self) -> None:
        self.control = socket.socket(fileno=_CONTROL)
        self.control.set_inheritable(False)
        self.engines: set[int] = set()
        # SIGCHLD only has to end the wait in select(): the handler's byte in this pipe says that a child ended.
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(self.wake_write, False)

    def run(self) -> None:
        """Serves until the client is gone."""
        import select

        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        self.send("ready")
        while True:
            readable, _, _ = select.select([self.control, self.wake_read], [], [])
            if self.wake_read in readable:
                self.drain()
                self.reap()
            if self.control in readable and not self.serve():
                return self.end()

    def serve(self) -> bool:
        """One request; False at the end of the file."""
        try:
            message, ancillary, _, _ = self.control.recvmsg(_MESSAGE, socket.CMSG_SPACE(8 * 4), socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            return False
        if not message:
            return False
        descriptors: list[int] = []
        for _, kind, data in ancillary:
            if kind == socket.SCM_RIGHTS:
                descriptors += struct.unpack(f"{len(data) // 4}i", data[: len(data) // 4 * 4])
        word, _, number = message.decode().partition(" ")
        if word == "fork":
            self.fork(number, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def fork(self, number: str, descriptors: list[int]) -> None:
        if len(descriptors) != 4:
            return self.send(f"failed {number} a request to fork needs four descriptors")
        try:
            pid = os.fork()
        except OSError as error:
            return self.send(f"failed {number} {error}")
        if pid == 0:
            _become_engine(self, *descriptors)
        self.engines.add(pid)
        pidfd = os.pidfd_open(pid)  # nobody but this thread reaps, so the number is still this child's
        self.send(f"forked {number} {pid}", pidfd)
        os.close(pidfd)

    def reap(self) -> None:
        for pid in list(self.engines):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self.engines.discard(pid)
                self.send(f"exited {pid} {status}")

    def end(self) -> None:
        """The client is gone: so are its engines."""
        for pid in self.engines:
            os.kill(pid, signal.SIGKILL)
        for pid in self.engines:
            os.waitpid(pid, 0)

    def send(self, text: str, *descriptors: int) -> None:
        packed = struct.pack(f"{len(descriptors)}i", *descriptors)
        try:
            self.control.sendmsg(
                [text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)] if descriptors else []
            )
        except (BrokenPipeError, ConnectionError):  # seen as the end of the file at the next wait
            pass

    def drain(self) -> None:
        try:
            while os.read(self.wake_read, 512):
                pass
        except BlockingIOError:
            pass


def _become_engine(zygote: _Zygote, sock: int, output: int, errors: int, client: int) -> NoReturn:
    """In the forked child: never returns."""
    status = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (errors, 2)):
            os.dup2(source, target)
        zygote.control.detach()
        keep = {0, 1, 2, sock, client}
        for name in os.listdir("/proc/self/fd"):
            if int(name) not in keep:
                try:
                    os.close(int(name))
                except OSError:  # the folder's own descriptor
                    pass
        serve_as_engine(sock, client)
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def serve_as_engine(sock: int, client: int) -> None:
    """Runs commands on this thread until the client ends."""
    from distob import _core

    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv = [""]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    _reseed()
    _core.run_inline()  # one core for each engine: its arrays compute in the calling thread
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(_core.interrupt_signal, _core.raise_if_cancelled)
    _core.serve(sock, client)


def _reseed() -> None:
    """Forked processes would otherwise draw the same numbers."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def main() -> None:
    """The helper's program."""
    os.environ.pop("DISTOB_ROLE", None)
    os.chdir(os.environ.pop("DISTOB_WORKING_DIRECTORY", "."))
    import numpy
    import numpy.random  # noqa: F401

    from distob import _calls, _core, _definitions, _failures, _futures, _hub, _pickling, _proxies  # noqa: F401

    _declare_atoms()
    gc.collect()
    gc.freeze()  # what is here stays shared: collections in engines do not touch it
    _Zygote().run()


def _declare_atoms() -> None:
    """Classes of the standard library whose instances never change: copies are as good as the originals."""
    import datetime
    import decimal
    import fractions
    import pathlib
    import re
    import uuid
    import zoneinfo

    from distob import _core

    for kind in (
        datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone, decimal.Decimal,
        fractions.Fraction, pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath, re.Pattern, uuid.UUID,
        zoneinfo.ZoneInfo,
    ):  # fmt: skip
        _core.declare_atom(kind)


if __name__ == "__main__":
    main()
