#!/bin/sh
# Fills fuzz/corpus with the contracts and pages of this repository.
set -eu
cd "$(dirname "$0")/.."
for target in contract yaml include; do
  mkdir -p "fuzz/corpus/$target"
done
find contracts docs examples tests fuzz/findings -name '*.yaml' -size -64k | while read -r file; do
  name=$(echo "$file" | tr / _)
  for target in contract yaml include; do
    cp "$file" "fuzz/corpus/$target/$name"
  done
done
# The contracts in the pages of diagnostics, wrong and right.
awk '
  /^```yaml/ { open = 1; n++; next }
  /^```/ { open = 0 }
  open { name = FILENAME; gsub("/", "_", name)
         for (t = 1; t <= 3; t++) print > ("fuzz/corpus/" (t == 1 ? "contract" : t == 2 ? "yaml" : "include") "/" name "_" n) }
' src/diag/pages/*.md docs/*.md README.md
printf 'workflow:\n  tasks: !include a.yaml\n\034- {id: a, run: x}\n- !include b.yaml\n\034id: b\nrun: x\nenv: !include parts/c.yaml\n\034<<: !include ../a.yaml\nA: b\n' > fuzz/corpus/include/chain
