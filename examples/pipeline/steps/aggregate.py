"""Three ways to look at the same days. Each is a node of its own."""

import collections

from steps import results


def by_city():
    """The shortest, the mean and the longest day of each city, from north to south."""
    cities = collections.defaultdict(list)
    for day in results.value("clean"):
        cities[-day["latitude"], day["city"]].append(day["minutes"])
    return [
        {"city": city, "days": len(m), "shortest": min(m), "mean": round(sum(m) / len(m)), "longest": max(m)}
        for (_, city), m in sorted(cities.items())
    ]


def by_month():
    """The mean day of each month, north and south of the equator."""
    months = collections.defaultdict(lambda: {"north": [], "south": []})
    for day in results.value("clean"):
        side = "north" if day["latitude"] > 0 else "south"
        months[day["date"][:7]][side].append(day["minutes"])
    return {
        month: {side: round(sum(minutes) / len(minutes)) for side, minutes in sides.items()}
        for month, sides in sorted(months.items())
    }


def extremes(count):
    """The largest changes from one date to the next, with the later of both."""
    cities = collections.defaultdict(list)
    for day in results.value("clean"):
        cities[day["city"]].append((day["date"], day["minutes"]))
    changes = [
        {"city": city, "date": after[0], "change": after[1] - before[1]}
        for city, days in cities.items()
        for before, after in zip(sorted(days), sorted(days)[1:])
    ]
    return sorted(changes, key=lambda c: (-abs(c["change"]), c["city"], c["date"]))[:count]
