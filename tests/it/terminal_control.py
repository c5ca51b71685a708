"""A terminal with a shell and its job, for tests.

Runs a shell with job control on a pseudo-terminal and carries out the steps of a scenario. What the terminal shows is
kept; every wait is for a fact, and the runner of the tests bounds it.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def give_up(*_):
    raise AssertionError("it takes for ever")


# Says where it hangs, before the runner of the tests ends it.
signal.signal(signal.SIGALRM, give_up)
signal.alarm(100)


class Terminal:
    def __init__(self, argv, columns=80, rows=24):
        self.shown = b""
        self.shell, self.screen = pty.fork()
        if self.shell == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            # Whoever ignores these, as some test runners do, hands that on.
            for ignored in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(ignored, signal.SIG_DFL)
            os.execvp(argv[0], argv)

    def __repr__(self):
        return f"foreground {self.foreground()}, shell {self.shell}: {self.shown.decode()}"

    def look(self, seconds=0.01):
        """Takes in what is shown; false where the terminal is closed."""
        if select.select([self.screen], [], [], seconds)[0]:
            try:
                self.shown += os.read(self.screen, 65536)
            except OSError:
                return False
        return True

    def until(self, fact):
        while not fact():
            if not self.look():
                assert fact(), ("the terminal is closed", self.shown)
                return

    def shows(self, text):
        self.until(lambda: text.encode() in self.shown)

    def file(self, name):
        self.until(lambda: os.path.exists(name))

    def type(self, text):
        os.write(self.screen, text.encode())

    def foreground(self):
        return os.tcgetpgrp(self.screen)

    def settings(self):
        return termios.tcgetattr(self.screen)

    def closed(self):
        """Waits for the end of the shell and gives how it ended."""
        while self.look():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.shell, 0)[1])


def number(name):
    while True:
        try:
            return int(open(name).read())
        except (FileNotFoundError, ValueError):
            time.sleep(0.005)


def state(pid):
    """The state letter of a process; Z where it is gone."""
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def group(pid):
    return os.getpgid(pid)


def pending(pid):
    """Whether signals wait for a process that it has not got yet."""
    lines = open(f"/proc/{pid}/status").read().splitlines()
    return any(int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd")))
