#!/usr/bin/env python3
"""Times `onex`, prek, lefthook and pre-commit on the same hooks in the same repository.

    benches/hooks.py FOLDER --rounds 11 onex=PATH prek=PATH lefthook=PATH pre-commit=PATH

makes a repository with 2,000 files and 10 local hooks (`true`) in FOLDER and prints, for each case, the median of each
tool and its ratio to the first one. The tools run in turn, in another order each round.
"""

import argparse, json, os, statistics, subprocess, sys, time
from pathlib import Path

FILES, HOOKS, TOUCHED = 2000, 10, 10


def git(repo, *arguments):
    subprocess.run(["git", *arguments], cwd=repo, check=True, stdout=subprocess.DEVNULL)


def make(repo):
    repo.mkdir(parents=True)
    git(repo, "init", "--quiet", "--initial-branch=main")
    for n in range(FILES):
        file = repo / f"src/{n // 50:02}/{n:04}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"line {n} {i}\n" for i in range(40)))
    hooks = [f"hook{n}" for n in range(HOOKS)]
    (repo / "checks").mkdir()
    for hook in hooks:
        (repo / f"checks/{hook}.onex.yaml").write_text(
            f"name: {hook}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\n"
            "entrypoint: {type: command, target: ['true']}\nfiles: ['*.txt']\n")
    # JSON is YAML.
    local = [{"id": hook, "name": hook, "entry": "true", "language": "system", "files": r"\.txt$"} for hook in hooks]
    (repo / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [{"repo": "local", "hooks": local}]}))
    with open(repo / "lefthook.yml", "w") as out:
        for name, files in [("pre-commit", "{staged_files}"), ("all", "{all_files}")]:
            commands = {hook: {"glob": "*.txt", "run": f"true {files}"} for hook in hooks}
            out.write(f"{name}: {json.dumps({'parallel': True, 'commands': commands})}\n")
    git(repo, "add", "--all")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--no-verify", "--message=x")


COMMANDS = {
    "onex": (["orch", "--stage", "pre-commit", "--format", "human"], ["--all-files"]),
    "prek": (["run"], ["--all-files"]),
    "lefthook": (["run", "pre-commit"], None),
    "pre-commit": (["run"], ["--all-files"]),
}


def command(tool, path, is_all):
    words, more = COMMANDS[tool]
    if not is_all:
        return [path, *words]
    return [path, "run", "all"] if more is None else [path, *words, *more]


def prepare(repo, case):
    git(repo, "reset", "--quiet", "--hard")
    if case == "all files":
        return
    for n in range(TOUCHED):
        with open(repo / f"src/00/{n:04}.txt", "a") as out:
            out.write("staged\n")
    git(repo, "add", "--all")
    if case == "10 files, one partly staged":
        with open(repo / "src/00/0003.txt", "a") as out:
            out.write("not staged\n")


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rounds", type=int, default=11)
    asked.add_argument("tools", nargs="+")
    asked = asked.parse_args()
    tools = [tool.split("=", 1) for tool in asked.tools]
    repo = asked.folder / "repo"
    if not repo.exists():
        make(repo)
    environment = {**os.environ, "HOME": str(asked.folder / "home"), "NO_COLOR": "1"}
    for case in ["all files", "10 files", "10 files, one partly staged"]:
        times = {tool: [] for tool, _ in tools}
        for number in range(asked.rounds + 1):
            turn = number % len(tools)
            for tool, path in tools[turn:] + tools[:turn]:
                prepare(repo, case)
                words = command(tool, path, case == "all files")
                began = time.perf_counter()
                ended = subprocess.run(words, cwd=repo, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                took = time.perf_counter() - began
                if ended.returncode != 0:
                    sys.exit(f"{words}: {ended.returncode}\n{ended.stdout.decode()}")
                # The first round warms the caches.
                if number > 0:
                    times[tool].append(took * 1000)
        first = statistics.median(times[tools[0][0]])
        print(f"\n{case} (load {os.getloadavg()[0]:.1f})")
        for tool, _ in tools:
            median = statistics.median(times[tool])
            print(f"| {tool} | {median:.0f} | {median / first:.2f} | {min(times[tool]):.0f} |")


main()
