"""Mends what can be mended, leaves out the rest, and computes the length of each day."""

import datetime
import re

from steps import results

NAMES = {name.casefold(): name for name in (
    "Tromsø", "Reykjavík", "London", "Cairo", "Singapore", "Nairobi", "Cape Town", "Ushuaia",
)}


def minutes(clock):
    """Minutes since midnight; nothing where that is no time of day."""
    if not re.fullmatch(r"\d\d:\d\d", clock):
        return None
    hours, rest = int(clock[:2]), int(clock[3:])
    return hours * 60 + rest if hours < 24 and rest < 60 else None


def daylight(sunrise, sunset):
    """Minutes of daylight; nothing where they cannot be known."""
    if sunrise == sunset == "up":
        return 24 * 60
    if sunrise == sunset == "down":
        return 0
    begin, end = minutes(sunrise), minutes(sunset)
    # In UTC the sun may well set before it rises.
    return None if begin is None or end is None else (end - begin) % (24 * 60)


def mended(row):
    row = {key: text.strip() for key, text in row.items()}
    return {
        "date": datetime.date.fromisoformat(row["date"]).isoformat(),
        "city": NAMES[row["city"].casefold()],
        "latitude": float(row["latitude"].replace(",", ".")),
        "minutes": daylight(row["sunrise"], row["sunset"]),
    }


def days():
    rows = [mended(row) for row in results.value("extract")]
    known = {(row["date"], row["city"]): row for row in rows if row["minutes"] is not None}
    return list(known.values())
