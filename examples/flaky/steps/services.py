"""Two services as they are on a bad day. Each counts in `$QUOTE_WORLD` how often it is asked."""

import os
import pathlib

BUSY_FOR = 2  # calls


class ServiceBusy(Exception):
    pass


class ServiceDown(Exception):
    pass


def asked(service):
    """Notes that a service is asked, and how often it was before."""
    world = os.environ.get("QUOTE_WORLD")
    if world is None:
        raise RuntimeError("there are no services without a world: start this by examples/flaky/run")
    with open(pathlib.Path(world, service), "a+", encoding="utf-8") as log:
        log.seek(0)
        before = len(log.readlines())
        log.write("asked\n")
    return pathlib.Path(world), before


def stock(article):
    _, before = asked("stock")
    if before < BUSY_FOR:
        raise ServiceBusy("503, try again later")
    return {"article": article, "left": 17}


def rate(source, target):
    world, _ = asked("rate")
    if not (world / "repaired").exists():
        raise ServiceDown("connection refused")
    return {"pair": source + target, "rate": 1.1}


def stored_rate(source, target):
    return {"pair": source + target, "rate": 1.08}
