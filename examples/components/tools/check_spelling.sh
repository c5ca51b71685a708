#!/bin/sh
# === OmniNode:Metadata ===
# name: check_spelling
# namespace: onex.example
# version: 1.0.0
# meta_type: validator
# lifecycle: active
# description: Refuses words that are often misspelt.
# tags: [ci]
# idempotent: true
# entrypoint: script@check_spelling.sh
# files: ["*.md"]
# dependencies: ["check_yaml@^1.2"]
# === /OmniNode:Metadata ===
# A component in the comments of a program: it counts once it is registered.
! grep -nE 'recieve|seperate|occured' "$@"
