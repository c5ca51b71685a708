"""Prints how many words a file has."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as text:
    print(json.dumps({"words": len(text.read().split())}))
