"""Prints the data of this example: sunrise and sunset of eight cities, every fifth day of 2025, in UTC.

Computed with the series of Spencer (1971) for the sun's declination and the equation of time, so the table is nobody's
property. It is good to a few minutes. As real exports are, it is not in order everywhere; see `SPOILT`.
"""

import csv
import datetime
import math
import sys

CITIES = [
    ("Tromsø", 69.65, 18.96),
    ("Reykjavík", 64.15, -21.94),
    ("London", 51.51, -0.13),
    ("Cairo", 30.04, 31.24),
    ("Singapore", 1.35, 103.82),
    ("Nairobi", -1.29, 36.82),
    ("Cape Town", -33.93, 18.42),
    ("Ushuaia", -54.81, -68.31),
]

# Row numbers, and what went wrong there.
SPOILT = {
    17: "twice",
    40: "lower case",
    101: "no sunset",
    158: "spaces",
    203: "decimal comma",
    240: "twice",
    298: "impossible",
    377: "no sunset",
}


def sun(day):
    """The declination in radians, and the equation of time in minutes."""
    g = 2 * math.pi * (day.timetuple().tm_yday - 1) / 365
    declination = (
        0.006918 - 0.399912 * math.cos(g) + 0.070257 * math.sin(g)
        - 0.006758 * math.cos(2 * g) + 0.000907 * math.sin(2 * g)
        - 0.002697 * math.cos(3 * g) + 0.00148 * math.sin(3 * g)
    )
    equation = 229.18 * (
        0.000075 + 0.001868 * math.cos(g) - 0.032077 * math.sin(g)
        - 0.014615 * math.cos(2 * g) - 0.040849 * math.sin(2 * g)
    )
    return declination, equation


def times(day, latitude, longitude):
    """Sunrise and sunset as `HH:MM`, or the same word twice where the sun does not cross the horizon."""
    declination, equation = sun(day)
    phi = math.radians(latitude)
    # The upper edge of the sun, with refraction.
    cosine = (math.sin(math.radians(-0.833)) - math.sin(phi) * math.sin(declination)) / (
        math.cos(phi) * math.cos(declination)
    )
    if abs(cosine) > 1:
        return ("up", "up") if cosine < 0 else ("down", "down")
    half = 4 * math.degrees(math.acos(cosine))
    noon = 720 - 4 * longitude - equation
    clock = (f"{m // 60:02}:{m % 60:02}" for m in (round(noon + side) % 1440 for side in (-half, half)))
    return tuple(clock)


def spoil(row, how):
    """The rows that stand in the export instead of this one."""
    date, city, latitude, longitude, sunrise, sunset = row
    match how:
        case "twice":
            return [row, row]
        case "lower case":
            return [(date, city.lower(), latitude, longitude, sunrise, sunset)]
        case "no sunset":
            return [(date, city, latitude, longitude, sunrise, "")]
        case "spaces":
            return [(date, f" {city} ", latitude, longitude, f"{sunrise} ", sunset)]
        case "decimal comma":
            return [(date, city, latitude.replace(".", ","), longitude.replace(".", ","), sunrise, sunset)]
        case "impossible":
            return [(date, city, latitude, longitude, "25:61", sunset)]
        case _:
            return [row]


def main():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["date", "city", "latitude", "longitude", "sunrise", "sunset"])
    days = [datetime.date(2025, 1, 1) + datetime.timedelta(days=5 * step) for step in range(73)]
    rows = [
        (day.isoformat(), city, f"{latitude:.2f}", f"{longitude:.2f}", *times(day, latitude, longitude))
        for day in days
        for city, latitude, longitude in CITIES
    ]
    for number, row in enumerate(rows, 1):
        out.writerows(spoil(row, SPOILT.get(number)))


if __name__ == "__main__":
    main()
