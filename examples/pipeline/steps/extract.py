"""Reads the export as it is."""

import csv

from steps import results


def rows():
    with open(results.read()["inputs"]["table"], encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
