//! What stands below the options in each verb's help.

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  execution failed: a node failed, timed out or was cancelled
  2  configuration error: the contract or the command line is invalid
  3  registry resolution failure: no contract or component has the name that was given
  4  protocol violation: an output that is not what it was declared to be
  5  sandbox/security violation: a path outside the project root, a policy that denies, what is not
     trusted, a sandbox that cannot hold";

pub(super) const ORCH_EXAMPLES: &str = "\
Every option has a variable: --dry-run is ONEX_DRY_RUN=1, --jobs 4 is ONEX_JOBS=4. Defaults of many stand
in onex.toml, of the project and in ~/.config/onex: `onex schema config` describes them.

Examples:
  onex orch --contract contract.yaml               run it, with a report for people on a terminal
  onex orch --contract ci --jobs 4 --keep-going    run contracts/ci, see every failure at once
  onex orch --contract contract.yaml --dry-run     show what would run
  onex orch --contract ci --until test             test and all that it needs
  onex orch --contract ci --only 'lint,test_*'     these nodes only, whatever they wait for
  onex orch --contract contract.yaml --input env=staging --format json | jq .status
  onex orch --contract contract.yaml --mode profile --repeat 20     how long each node takes
  onex orch --contract contract.yaml --events run.jsonl --timeout 10m
  onex orch --contract contract.yaml --report report.json --report report.txt --log -
  onex orch --contract ci --junit junit.xml        for the test results page of a CI server
  onex orch --contract ci --sarif onex.sarif       for code scanning
  onex orch --contract ci --require-trusted        only as `onex trust ci` has pinned it

  onex orch --stage pre-commit --format human || exit 1    what is staged, as git commit runs it
  onex orch --stage ci --filter 'type=validator,lifecycle=canary'
  onex orch --stage test --tags integration
  onex orch --stage test --failed                  what failed in the last run, and no more
  onex orch --stage test --partition slice:1/3     the first of three machines
  onex orch --stage test --retries 2 --junit junit.xml     what passes only then is flaky
  onex orch --stage test --only login --repeat 50  how often does it pass?
  onex orch --stage pipeline --from tool_a --to tool_b --to validator_x
  onex orch --stage ci --contracts-from origin/main        a change that nobody has looked at yet: docs/untrusted.md";

pub(super) const RUN_EXAMPLES: &str = "\
Every option has a variable: --dry-run is ONEX_DRY_RUN=1, --jobs 4 is ONEX_JOBS=4.

Examples:
  onex run ci                               contracts/ci
  onex run contract.yaml --until test       test and all that it needs
  onex run release --input version=1.2.0 --format json | jq .status";

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  onex plan contract.yaml                                     groups that can run side by side
  onex plan contract.yaml --until publish                     what publish needs, and no more
  onex plan contract.yaml --format json | jq .critical_path
  onex plan contract.yaml --format json | jq '.worst_case_ms, .notes'";

pub(super) const GRAPH_EXAMPLES: &str = "\
Examples:
  onex graph contract.yaml                                    one node a line, with a lane for what is waited for
  onex graph ci --until test                                  test and all that it needs
  onex graph contract.yaml --as svg > graph.svg               a picture
  onex graph contract.yaml --as dot | dot -Tpdf > graph.pdf
  onex graph contract.yaml --as mermaid                       for Markdown: a block of the language mermaid";

pub(super) const VALIDATE_EXAMPLES: &str = "\
Examples:
  onex validate contract.yaml                     one file
  onex validate .                                 every contract.yaml and *.onex.yaml below this folder
  onex validate ci                                contracts/ci
  git show main:contract.yaml | onex validate -
  onex validate . --format json | jq '.files[] | select(.valid | not) | .path'
  onex validate . --sarif onex.sarif              for code scanning

Of each file the first 50 findings are shown. Documents list 1000 errors and 1000 warnings of each code;
of what is beyond that, E0116 says how much there is.";

pub(super) const FMT_EXAMPLES: &str = "\
Two spaces for each level, also for lists; one space after `:` and `-`; brackets stay where they fit
in 100 columns; comments, values, quotes and the order of keys stay. `dependencies` becomes
`depends_on`, `condition` becomes `when`, and a node's id is `id` below `workflow:` and `node_id`
below `workflow_coordination:`. A file is rewritten only after the new text has been read again and
has the same values and the same comments.

Exit codes: 0 done, 1 a file would change with --check, 2 a file is not YAML or cannot be written.

Examples:
  onex fmt                                        every contract.yaml and *.onex.yaml below this folder
  onex fmt contract.yaml
  onex fmt --check . || echo 'run onex fmt'       writes nothing
  onex fmt --diff ci                              shows what would change in contracts/ci
  onex fmt - < draft.yaml > contract.yaml";

pub(super) const NEW_EXAMPLES: &str = "\
Examples:
  onex new contract release                       contracts/release/contract.yaml
  onex new contract release --dialect onex
  onex new contract release --dir tools/flows     tools/flows/release/contract.yaml";

pub(super) const INIT_EXAMPLES: &str = "\
Looks for Cargo.toml, pyproject.toml and its kin, package.json, go.mod and a Makefile, at most two
folders deep, and writes contracts/ci/contract.yaml with the checks of the tools that they name,
and components/NAME.onex.yaml for those that check the files of a commit, unless there is a
.pre-commit-config.yaml. Where there are none it writes contracts/hello. Inside a git repository it
works at the top level; elsewhere it marks this folder with an onex.toml, which can hold settings.
Nothing is overwritten.

Examples:
  onex init --dry-run                             shows what it would write
  onex init && onex run ci
  onex init && onex install                       checks every commit from now on";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  onex explain E0302                              what it means, an example, and the corrected one
  onex explain E0302 --format json | jq -r .page
  onex explain publish --contract contract.yaml   what the node waits for, and whether that can come";

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  onex schema contract > contract.schema.json     what an editor completes, explains and checks with
  onex schema report | jq '.properties | keys'    what a report holds
  onex schema config > onex.schema.json           for onex.toml, whose first line is #:schema ./onex.schema.json

An editor with yaml-language-server (VS Code, Neovim, Helix, Zed) takes it from the contract's first line:
  # yaml-language-server: $schema=./contract.schema.json
or VS Code from its settings, for all contracts:
  \"yaml.schemas\": {\"./contract.schema.json\": [\"contract.yaml\"]}";

pub(super) const INSTALL_EXAMPLES: &str = "\
A hook that is there already stays. ONEX=0 git commit lets one commit through.

Examples:
  onex install             from now on, git commit runs onex orch --stage pre-commit
  onex install --chain     the same, after the hook that is there";

pub(super) const UNINSTALL_EXAMPLES: &str = "\
Examples:
  onex uninstall           as it was before onex install";

pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  onex list                                       every contract.yaml, *.onex.yaml and registered component
  onex list --filter 'type=validator,lifecycle=canary|stable'
  onex list --tags pre-commit,ci --format json | jq -r '.components[].path'
  onex list --scan                                metadata blocks in all other files, too";

pub(super) const REGISTRY_EXAMPLES: &str = "\
Examples:
  onex registry add tools/check_yaml.py           register what its metadata block declares
  onex registry add --scan tools                  and all others in a folder
  onex registry find 'type=validator,lifecycle=canary'
  onex registry find yaml                         words in names, descriptions and tags
  onex registry inspect 'check_yaml@^1.2'
  onex registry remove check_yaml
  onex registry verify                            digests, duplicates, dependencies, circles";

pub(super) const TRUST_EXAMPLES: &str = "\
Pins the text of a contract, what it includes, and the files of the project that it names to run, by
their SHA-256 digests, in $XDG_CONFIG_HOME/onex/trust.toml. A file of the project never says what is
trusted. `onex orch --require-trusted` then runs what is pinned and unchanged, and nothing else.

Exit codes: 0 done, 2 there is nothing that could be trusted, 3 nothing has the name that was given,
5 the file of trust cannot be used.

Examples:
  onex trust ci                                   contracts/ci as it is now, after you have read it
  onex trust check_yaml components/lint.onex.yaml
  onex orch --contract ci --require-trusted
  onex trust --list --format json | jq -r '.trusted[] | select(.unchanged | not) | .path'
  onex trust --remove ci";

pub(super) const DOCTOR_EXAMPLES: &str = "\
The exit code is 1 where something is wrong.

Examples:
  onex doctor
  onex doctor --format json | jq '.checks[] | select(.status == \"problem\")'";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Verbs, options and their values are completed, and the names of contracts and nodes of the folder.

Examples:
  eval \"$(onex completions bash)\"                 in ~/.bashrc
  source <(onex completions zsh)                   in ~/.zshrc, after compinit
  onex completions fish | source                   in ~/.config/fish/config.fish";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  onex man | man -l -
  onex man --out ~/.local/share/man/man1          a page for onex and one for each verb";

pub(super) const IMPORT_EXAMPLES: &str = "\
Hooks of `repo: local` become components, one file each, that run on the same files as before and in
the same order. A hook that onex cannot run as pre-commit does is named with the reason, and so is
every hook of another repository. Nothing is overwritten.

Exit codes: 0 done, 2 the file cannot be read, or not one of its hooks can be imported.

Examples:
  onex import pre-commit --dry-run                shows what it would write
  onex import pre-commit && git add components && onex orch --stage pre-commit --all-files
  onex import pre-commit backend/.pre-commit-config.yaml --dir tools/checks";
