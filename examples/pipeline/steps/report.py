"""Writes it all down for people."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from steps import results  # noqa: E402

known = results.read()
nodes = known["nodes"]
checked = nodes["validate"]["outputs"]


def clock(minutes):
    return f"{minutes // 60:2}:{minutes % 60:02}"


lines = [
    f"{checked['rows']} rows, {checked['findings']} of them not in order ({checked['bad_percent']} %)",
    "",
    "Length of the day, north to south   0h        6h        12h       18h       24h",
]
for city in nodes["by_city"]["value"]:
    bar = [" "] * 41
    begin, mean, end = (round(city[key] / 36) for key in ("shortest", "mean", "longest"))
    bar[begin:end + 1] = "─" * (end - begin + 1)
    bar[mean] = "●"
    label = f"{city['city']:10} {clock(city['shortest'])} to {clock(city['longest'])}"
    lines.append(f"{label:35} {''.join(bar)}".rstrip())
lines += ["", "Month      north    south"]
for month, sides in nodes["by_month"]["value"].items():
    lines.append(f"{month}    {clock(sides['north'])}    {clock(sides['south'])}")
lines += ["", "Largest changes in five days"]
for change in nodes["extremes"]["value"]:
    lines.append(f"{change['city']:10} to {change['date']}: {change['change']:+} minutes")
text = "\n".join(lines) + "\n"
sys.stdout.reconfigure(encoding="utf-8")
print(text, end="")
if known["inputs"]["report"]:
    pathlib.Path(known["inputs"]["report"]).write_text(text, encoding="utf-8")
