"""Tries what a sandbox is to deny, and says what became of it."""
import os
import socket
import tempfile


def attempt(what, do):
    try:
        do()
        print(f"{what}: done")
    except OSError:
        print(f"{what}: denied")


attempt("a temporary file", lambda: tempfile.TemporaryFile().close())
attempt("a file beside the project", lambda: open(f"../stray-{os.getpid()}", "x").close())
attempt("a connection", lambda: socket.socket().close())
attempt("a look into onex", lambda: open(f"/proc/{os.getppid()}/mem", "rb").close())
