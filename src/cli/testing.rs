//! What was meant by the options for tests.

use super::args::{FlakyResult, Orch, StageName, Tested};
use super::configured::Configured;
use super::resolve::{Typed, duration, error};
use crate::app::testing::{SLOW_AFTER, TestWish};
use crate::model::context::Mode;

/// How often the whole workflow runs, and what else is asked of a run of tests. A variable holds for all that is run,
/// so it gives way where an option would be a mistake.
pub(super) fn tested(
    typed: &Orch,
    mode: Option<Mode>,
    (here, configured): (&Typed<'_>, &Configured<'_>),
) -> Result<(u32, TestWish), clap::Error> {
    let Tested { partition, failed, repeat, retries, flaky_result, slow_after, no_record } = &typed.tested;
    let stage = typed.stage.filter(|_| typed.contract.is_none());
    let is_test = typed.stage == Some(StageName::Test);
    let has_tests = matches!(stage, Some(StageName::Test | StageName::Ci));
    let runs_nothing = stage == Some(StageName::Registry);
    let refuse = |option: &str, why: &str| match here.has(option) {
        true => Err(error(format!("`--{}` {why}", option.replace('_', "-")))),
        false => Ok(()),
    };
    let mut wish = TestWish {
        partition: *partition,
        retries: retries.or_else(|| configured.retries()),
        failed: *failed,
        no_record: *no_record,
        fail_on_flaky: flaky_result.or_else(|| configured.flaky_result()) == Some(FlakyResult::Fail),
        fail_on_empty: typed.staged.fail_on_empty,
        slow_after: configured.slow_after().or_else(|| is_test.then_some(SLOW_AFTER)),
    };
    if let Some(typed) = slow_after {
        wish.slow_after = Some(duration("slow-after", typed)?);
    }
    if wish.partition.is_some() && runs_nothing {
        refuse("partition", "has nothing to share out: the stage `registry` runs nothing")?;
        wish.partition = None;
    }
    if wish.failed && (stage.is_none() || runs_nothing) {
        refuse("failed", "is about the last run of a stage; add `--stage`, such as `--stage test`")?;
        wish.failed = false;
    }
    if wish.retries.is_some() && !has_tests {
        refuse(
            "retries",
            "is about the tests of a stage; add `--stage test`. In a contract, nodes have `retry`",
        )?;
        wish.retries = None;
    }
    let mut repeat = *repeat;
    if repeat.is_some() && mode != Some(Mode::Profile) && !is_test {
        refuse("repeat", "is for tests and for measuring: add `--stage test` or `--mode profile`")?;
        repeat = None;
    }
    let mut repeat = repeat.unwrap_or(1);
    if repeat > 1 && wish.retries.is_some_and(|retries| retries > 0) {
        if here.gives_way("repeat", "retries") {
            repeat = 1;
        } else {
            let hides = "shows every failure, which a repetition of `--retries` would hide; leave one out";
            if here.has("retries") {
                refuse("repeat", hides)?;
            }
            wish.retries = None;
        }
    }
    // A plan is shown once.
    Ok((if mode == Some(Mode::DryRun) { 1 } else { repeat }, wish))
}
