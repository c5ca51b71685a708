//! What texts say, and what is wrong with them.

use std::time::Duration;

use super::*;
use crate::diag::{SourceMap, codes};

/// What is set, as text, and what is wrong, as `line:column code message`.
fn read_all(text: &str) -> (Vec<String>, Vec<String>) {
    let mut sources = SourceMap::default();
    let source = sources.add("onex.toml", text);
    let (settings, found) = read(text, source);
    let set = settings.iter().map(|(name, set)| {
        let at = sources.position(source, set.at.start);
        format!("{}:{} {name} = {}", at.line, at.column, set.value)
    });
    let found = found.iter().map(|finding| {
        let at = sources.position(source, finding.span().unwrap_or_default().start);
        let help = finding.help.first().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{} {} {}{help}", at.line, at.column, finding.code, finding.message)
    });
    (set.collect(), found.collect())
}

fn findings(text: &str) -> Vec<String> {
    read_all(text).1
}

#[test]
fn every_key_is_read_with_its_place() {
    let text = "\u{feff}[run]
jobs = 4
mode = \"async\"
format = 'json'
output = \"none\"
color = \"never\"
progress = \"plain\"
timeout = \"1h30m\"
fail_fast = true
fail_on_empty = false
node.timeout = 90
"
    .replace("node.timeout", "[node]\ntimeout")
        + "[stage.pre-commit]
jobs = 0x10
fail_fast = false
fail_on_empty = true
timeout = 0.5
files = \"all\"
type = \"validator\"
lifecycle = [\"canary\", \"active\"]
tags = []
name = \"check_*\"
namespace = \"onex.*\"
version = \">=1 <2\"
status = \"ok\"
capability = \"yaml\"
[stage.registry]
files = \"staged\"
[stage.test]
retries = 2
flaky_result = \"fail\"
slow_after = \"2m\"
";
    let (set, found) = read_all(&text);
    assert_eq!(found, Vec::<String>::new());
    let expected = [
        "2:8 run.jobs = 4",
        "3:8 run.mode = async",
        "4:10 run.format = json",
        "5:10 run.output = none",
        "6:9 run.color = never",
        "7:12 run.progress = plain",
        "8:11 run.timeout = 1h30m",
        "9:13 run.fail_fast = true",
        "10:17 run.fail_on_empty = false",
        "12:11 node.timeout = 1m30s",
        "21:14 stage.pre-commit.capability = yaml",
        "14:8 stage.pre-commit.jobs = 16",
    ];
    for line in expected.iter().filter(|line| !line.contains("capability")) {
        assert!(set.contains(&(*line).to_owned()), "{line} in {set:#?}");
    }
    let all: Vec<&str> = set.iter().map(|line| line.split_once(' ').unwrap().1).collect();
    for (name, value) in [
        ("fail_fast", "false"),
        ("files", "all"),
        ("lifecycle", "canary|active"),
        ("tags", "any"),
        ("version", ">=1 <2"),
        ("timeout", "0.50s"),
    ] {
        let line = format!("stage.pre-commit.{name} = {value}");
        assert!(all.contains(&line.as_str()), "{line} in {all:#?}");
    }
    for line in ["stage.test.retries = 2", "stage.test.flaky_result = fail", "stage.test.slow_after = 2m00s"]
    {
        assert!(all.contains(&line), "{line} in {all:#?}");
    }
    // Every key of the tables that the text names was read.
    for section in [Section::Run, Section::Node, Section::Stage("pre-commit"), Section::Stage("registry")] {
        for key in section.keys() {
            let name = format!("{section}.{} = ", key.name);
            assert!(all.iter().any(|line| line.starts_with(&name)), "{name}");
        }
    }
}

#[test]
fn an_empty_file_and_dotted_keys_are_in_order() {
    assert_eq!(read_all(""), (vec![], vec![]));
    assert_eq!(read_all("# Marks the project.\n"), (vec![], vec![]));
    let (set, found) = read_all("run.jobs = 2\nstage = {ci = {jobs = 3}}\n");
    assert_eq!(
        (set.as_slice(), found.len()),
        (&["1:12 run.jobs = 2", "2:23 stage.ci.jobs = 3"].map(str::to_owned)[..], 0)
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order() {
    let text = "jobs = 4
[run]
jobz = 4
jobs = \"4\"
mode = \"asynch\"
timeout = \"5 minutes\"
fail_fast = 1
color = false
format = [\"json\"]
[rum]
[stage.deploy]
jobs = 1
[stage.ci]
version = \"one\"
type = [\"validator|test\", 3]
tags = [\"\"]
mode = \"sync\"
[stage.pipeline]
tags = \"x\"
[stage.registry]
jobs = 2
[node]
timeout = 0
";
    let expected = [
        "1:1 E0602 a settings file has no table `jobs` (there is `run`, `node`, `stage`, `policy`, `trust`)",
        "3:1 E0602 `[run]` has no key `jobz` (did you mean `jobs`?)",
        "4:8 E0603 `jobs` is a whole number",
        "5:8 E0604 `mode` cannot be `asynch` (did you mean `async`?)",
        "6:11 E0604 `timeout` cannot be `5 minutes` (write seconds as a number, \
         or text such as `\"30s\"`, `\"2m\"`, `\"500ms\"`, `\"1h\"`)",
        "7:13 E0603 `fail_fast` is `true` or `false`",
        "8:9 E0603 `color` is one of `auto`, `always`, `never`",
        "9:10 E0603 `format` is one of `human`, `json`, `yaml`",
        "10:2 E0602 a settings file has no table `rum` (did you mean `run`?)",
        "11:8 E0602 there is no stage `deploy` (there is `pre-commit`, `ci`, `test`, `pipeline`, `registry`)",
        "14:11 E0604 `version` cannot be `one` (`one` is no range of versions, such as `1.2.0`, `^1.2` or `>=1 <2`)",
        "15:27 E0603 an item of `type` is text",
        "16:9 E0604 `tags` cannot be ``",
        "17:1 E0602 `[stage.ci]` has no key `mode` (there is `jobs`, `fail_fast`, `fail_on_empty`, `timeout`, \
         `files`, `retries`, `flaky_result`, `slow_after`, `type`, `lifecycle`, `tags`, `name`, `namespace`, `version`, \
         `status`, `capability`)",
        "19:1 E0602 `[stage.pipeline]` has no key `tags`: a pipeline runs the components that `--from` and `--to` name",
        "21:1 E0602 `[stage.registry]` has no key `jobs`: the stage checks the registry and runs nothing",
        "23:11 E0604 `timeout` cannot be `0` (write seconds as a number, \
         or text such as `\"30s\"`, `\"2m\"`, `\"500ms\"`, `\"1h\"`)",
    ];
    let (set, found) = read_all(text);
    assert_eq!(found, expected);
    assert_eq!(set, Vec::<String>::new());
}

#[test]
fn mistakes_of_syntax_do_not_hide_others_and_make_no_others() {
    let text = "[run]\njobs = x\nmode = \"asynch\"\n[run\ncolor = 3\n[node]\ntimeout = \"x\"\n\
                [stage.ci]\nfiles = \"all\n";
    let found = findings(text);
    let codes: Vec<&str> = found.iter().map(|line| line.split_once(' ').unwrap().1.split_at(5).0).collect();
    let lines: Vec<&str> = found.iter().map(|line| line.split_once(':').unwrap().0).collect();
    assert_eq!(codes, ["E0601", "E0604", "E0601", "E0604", "E0601"], "{found:#?}");
    assert_eq!(lines, ["2", "3", "4", "7", "9"], "{found:#?}");
    let found = findings("[run]\njobs = 2\njobs = 3\n");
    assert!(found.len() == 1 && found[0].starts_with("3:1 E0601 "), "{found:#?}");
}

#[test]
fn numbers_have_bounds_and_durations_units() {
    for text in ["0", "-1", "4294967296", "99999999999999999999"] {
        let found = findings(&format!("[run]\njobs = {text}\n"));
        assert!(
            found.len() == 1 && found[0].contains(&format!("E0604 `jobs` cannot be `{text}`")),
            "{found:?}"
        );
    }
    for text in ["-1", "-0.5", "nan", "inf", "\"\"", "\"1w\"", "\"101 y\"", "1e30", "9999999999"] {
        let found = findings(&format!("[run]\ntimeout = {text}\n"));
        assert!(found.len() == 1 && found[0].contains("E0604 `timeout` cannot be"), "{text}: {found:?}");
    }
}

#[test]
fn one_at_a_time_and_several_contradict_each_other_in_one_file() {
    let found = findings("[run]\nmode = \"sync\"\njobs = 8\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("3:8 E0605 "), "{found:?}");
    assert_eq!(findings("[run]\nmode = \"sync\"\njobs = 1\n"), Vec::<String>::new());
}

#[test]
fn the_stronger_file_wins_key_by_key_and_a_stage_over_all_runs() {
    let mut sources = SourceMap::default();
    let mut layer = |text: &str| {
        let source = sources.add("onex.toml", text);
        read(text, source).0
    };
    let weak =
        layer("run = {jobs = 2, color = 'never'}\nstage.ci = {jobs = 3, tags = 'a', type = ['x', 'y']}\n");
    let strong = layer("run = {jobs = 4}\nstage.ci = {tags = []}\nnode = {timeout = 5}\n");
    let both = strong.clone().over(weak);
    let count = |section| both.get(section, keys::JOBS).and_then(Set::count);
    assert_eq!((count(Section::Run), count(Section::Stage("ci"))), (Some(4), Some(3)));
    assert_eq!(both.of_run(Some("ci"), keys::JOBS).and_then(Set::count), Some(3));
    assert_eq!(both.of_run(Some("test"), keys::JOBS).and_then(Set::count), Some(4));
    assert_eq!(both.of_run(None, keys::COLOR).and_then(Set::word), Some("never"));
    assert_eq!(both.get(Section::Node, keys::TIMEOUT).and_then(Set::time), Some(Duration::from_secs(5)));
    let asked: Vec<(FilterKey, usize)> =
        both.selection("ci").map(|(key, values, _)| (key, values.len())).collect();
    assert_eq!(asked, [(FilterKey::Tags, 0), (FilterKey::Type, 2)]);
    assert_eq!(strong.clone().over(Settings::default()), strong);
}

#[test]
fn codes_of_settings_are_all_provoked() {
    let text = "[run]\njobz = 1\njobs = true\ncolor = 'red'\nmode = [\n";
    let found = findings(text).join("\n") + &findings("run = {mode = 'sync', jobs = 2}").join("\n");
    let of_settings =
        codes::ALL.iter().map(|(code, _)| code.as_str()).filter(|code| ("E0601".."E0606").contains(code));
    for code in of_settings {
        assert!(found.contains(code), "{code} in {found}");
    }
}

#[test]
fn hostile_texts_are_read_in_little_time_and_tell_no_more_than_anybody_reads() {
    let deep = format!("x = {}", "[".repeat(100_000));
    let many: String = (0..20_000).map(|n| format!("k{n} = 1\n")).collect();
    let wide = format!("[run]\njobs = \"{}\"\n", "x".repeat(1_000_000));
    for text in
        [deep.as_str(), &many, &wide, "\0", "[[[[", "a.b.c.d = 1\na.b = 2\n", "run = 1\n[run]\njobs = 2\n"]
    {
        let found = findings(text);
        assert!(!found.is_empty() && found.len() <= 1002, "{} findings", found.len());
        assert!(found.iter().all(|line| line.len() < 3000));
    }
}
