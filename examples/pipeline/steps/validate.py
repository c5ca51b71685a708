"""Says what is wrong with the export, and refuses it if that is too much."""

import argparse
import collections
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from steps import clean, results  # noqa: E402

arguments = argparse.ArgumentParser()
arguments.add_argument("--most-bad-percent", type=float, required=True)
most = arguments.parse_args().most_bad_percent

columns = ["date", "city", "latitude", "longitude", "sunrise", "sunset"]
rows = results.value("extract")
if not rows or list(rows[0]) != columns:
    sys.exit(f"the columns are not {', '.join(columns)}")

found = collections.Counter()
seen = set()
for number, row in enumerate(rows, 2):
    wrong = []
    if any(text != text.strip() for text in row.values()):
        wrong.append("spaces")
    if row["city"].strip() not in clean.NAMES.values():
        wrong.append("unknown spelling")
    if "," in row["latitude"]:
        wrong.append("decimal comma")
    if clean.daylight(row["sunrise"].strip(), row["sunset"].strip()) is None:
        wrong.append("no time of day")
    key = row["date"], row["city"]
    if key in seen:
        wrong.append("twice")
    seen.add(key)
    for what in wrong:
        found[what] += 1
        print(f"line {number}: {what}")

bad = 100 * sum(found.values()) / len(rows)
with open(os.environ["ONEX_NODE_OUTPUT"], "w", encoding="utf-8") as output:
    output.write(f"rows={len(rows)}\nfindings={sum(found.values())}\nbad_percent={bad:.1f}\n")
if bad > most:
    sys.exit(f"{bad:.1f} % of the rows are not in order, and {most:g} % may be")
