//! Rules about system calls as a program for the kernel's filter machine.

use libc::sock_filter;

use super::calls::{Number, Rule, Verdict, When};

/// What the kernel calls this processor.
#[cfg(target_arch = "x86_64")]
pub(super) const ARCHITECTURE: Option<u32> = Some(0xc000_003e);
#[cfg(target_arch = "aarch64")]
pub(super) const ARCHITECTURE: Option<u32> = Some(0xc000_00b7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) const ARCHITECTURE: Option<u32> = None;

/// From here on, numbers are those of a second interface, which would pass every rule.
const SECOND_INTERFACE: u32 = 0x4000_0000;

/// Where the description of a call has what.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7fff_0000;
const FAIL: u32 = 0x0005_0000;
const KILL: u32 = 0x8000_0000;

const fn step(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Goes on with the next step where it holds, and passes over so many steps where it does not.
const fn unless_skip(code: u16, k: u32, skip: u8) -> sock_filter {
    sock_filter { code, jt: 0, jf: skip, k }
}

const fn answer(verdict: Verdict) -> sock_filter {
    let value = match verdict {
        Verdict::Fails(errno) => FAIL | errno.cast_unsigned() & 0xffff,
        Verdict::Ends => KILL,
    };
    step(RETURN, value)
}

/// The program. Empty where nothing is known of this processor.
pub(super) fn assemble(rules: &[Rule]) -> Vec<sock_filter> {
    let Some(architecture) = ARCHITECTURE else { return Vec::new() };
    let mut program = vec![
        step(LOAD, ARCHITECTURE_AT),
        sock_filter { code: IF_EQUAL, jt: 1, jf: 0, k: architecture },
        step(RETURN, KILL),
        step(LOAD, NUMBER_AT),
        unless_skip(IF_AT_LEAST, SECOND_INTERFACE, 1),
        step(RETURN, KILL),
    ];
    // What looks at arguments forgets the number, so all rules of one call stand in one block.
    let mut open = rules.to_vec();
    while let Some(first) = open.first() {
        let number = first.number;
        let (of_call, rest): (Vec<Rule>, Vec<Rule>) = open.iter().partition(|rule| rule.number == number);
        program.extend(block(number, &of_call));
        open = rest;
    }
    program.push(step(RETURN, ALLOW));
    program
}

fn block(number: Number, rules: &[Rule]) -> Vec<sock_filter> {
    let mut steps: Vec<sock_filter> = rules.iter().flat_map(tests).collect();
    steps.push(step(RETURN, ALLOW));
    let skip = u8::try_from(steps.len()).unwrap_or_else(|_| unreachable!("a call has few rules"));
    let number = u32::try_from(number).unwrap_or_else(|_| unreachable!("numbers of calls are small"));
    steps.insert(0, unless_skip(IF_EQUAL, number, skip));
    steps
}

/// Answers where the rule holds, and goes on where it does not.
fn tests(rule: &Rule) -> Vec<sock_filter> {
    // Little-endian: the lower half of an argument comes first.
    let load = |argument: u8| step(LOAD, ARGUMENTS_AT + 8 * u32::from(argument));
    let answer = answer(rule.verdict);
    match rule.when {
        When::Always => vec![answer],
        When::AnyBit(argument, bits) => vec![load(argument), unless_skip(IF_ANY_BIT, bits, 1), answer],
        When::OneOf(argument, mask, values) => {
            let each = values.iter().flat_map(|&value| [unless_skip(IF_EQUAL, value, 1), answer]);
            [load(argument), step(AND, mask)].into_iter().chain(each).collect()
        }
        When::NoneOf(argument, mask, values) => {
            let mut steps = vec![load(argument), step(AND, mask)];
            for (at, &value) in values.iter().enumerate() {
                // Over the values that are left, and the answer.
                let over = u8::try_from(values.len() - at).unwrap_or_else(|_| unreachable!("few values"));
                steps.push(sock_filter { code: IF_EQUAL, jt: over, jf: 0, k: value });
            }
            steps.push(answer);
            steps
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::calls;
    use super::super::{Bounds, FileBounds};
    use super::*;

    /// What the kernel would answer: a second machine, written from its manual.
    fn run(program: &[sock_filter], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let (mut at, mut held) = (0, 0);
        loop {
            let step = &program[at];
            let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
            at += 1 + match step.code {
                LOAD => {
                    held = match step.k {
                        0 => number,
                        4 => architecture,
                        k => {
                            let argument = arguments[(k as usize - 16) / 8];
                            u32::try_from(if (k - 16) % 8 == 0 {
                                argument & 0xffff_ffff
                            } else {
                                argument >> 32
                            })
                            .unwrap()
                        }
                    };
                    0
                }
                AND => {
                    held &= step.k;
                    0
                }
                IF_EQUAL => jump(held == step.k),
                IF_AT_LEAST => jump(held >= step.k),
                IF_ANY_BIT => jump(held & step.k != 0),
                RETURN => return step.k,
                other => panic!("no step {other:#x}"),
            };
        }
    }

    fn verdict(bounds: &Bounds, call: Number, arguments: &[u64]) -> u32 {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        let program = assemble(&calls::rules(bounds));
        assert!(program.len() < 4096);
        run(&program, ARCHITECTURE.unwrap(), u32::try_from(call).unwrap(), all)
    }

    fn failing(errno: i32) -> u32 {
        FAIL | u32::try_from(errno).unwrap()
    }

    fn open() -> Bounds {
        Bounds::default()
    }

    fn strict() -> Bounds {
        Bounds { files: Some(FileBounds { keeps_metadata: true, ..FileBounds::default() }), is_offline: true }
    }

    #[test]
    fn what_is_always_denied_is_denied_and_the_rest_is_not() {
        for bounds in [open(), strict()] {
            for call in [libc::SYS_ptrace, libc::SYS_bpf, libc::SYS_mount, libc::SYS_io_uring_setup] {
                assert_eq!(verdict(&bounds, call, &[]), failing(libc::EPERM), "{call}");
            }
            for call in [libc::SYS_reboot, libc::SYS_init_module] {
                assert_eq!(verdict(&bounds, call, &[]), KILL, "{call}");
            }
            assert_eq!(verdict(&bounds, libc::SYS_clone3, &[]), failing(libc::ENOSYS));
            for call in [
                libc::SYS_read,
                libc::SYS_openat,
                libc::SYS_execve,
                libc::SYS_exit_group,
                libc::SYS_landlock_restrict_self,
            ] {
                assert_eq!(verdict(&bounds, call, &[]), ALLOW, "{call}");
            }
        }
    }

    #[test]
    fn arguments_decide_where_they_matter() {
        let of = |call, arguments: &[u64]| verdict(&open(), call, arguments);
        let denied = failing(libc::EPERM);
        assert_eq!(of(libc::SYS_clone, &[0x10_0000 | 17]), ALLOW);
        assert_eq!(of(libc::SYS_clone, &[0x1000_0000 | 17]), denied);
        assert_eq!(of(libc::SYS_unshare, &[0x400]), ALLOW);
        assert_eq!(of(libc::SYS_unshare, &[0x80]), denied);
        assert_eq!(of(libc::SYS_prlimit64, &[0]), ALLOW);
        assert_eq!(of(libc::SYS_prlimit64, &[1]), denied);
        assert_eq!(of(libc::SYS_ioctl, &[0, 0x5401]), ALLOW);
        // The kernel looks at the lower half of the number only, and so does the filter.
        assert_eq!(of(libc::SYS_ioctl, &[0, 0x5412 | 7 << 32]), denied);
    }

    #[test]
    fn without_a_network_there_are_only_pairs_of_streams() {
        let of = |call, arguments: &[u64]| verdict(&strict(), call, arguments);
        let denied = failing(libc::EACCES);
        for family in [1, 2, 10, 16, 17, 40] {
            assert_eq!(of(libc::SYS_socket, &[family, 1]), denied, "{family}");
            assert_eq!(verdict(&open(), libc::SYS_socket, &[family, 1]), ALLOW, "{family}");
        }
        const NONBLOCK_CLOEXEC: u64 = 0o2_004_000;
        assert_eq!(of(libc::SYS_socketpair, &[1, 1 | NONBLOCK_CLOEXEC]), ALLOW);
        assert_eq!(of(libc::SYS_socketpair, &[1, 5]), ALLOW);
        assert_eq!(of(libc::SYS_socketpair, &[1, 2 | NONBLOCK_CLOEXEC]), denied);
        assert_eq!(of(libc::SYS_socketpair, &[1, 3]), denied);
        assert_eq!(of(libc::SYS_socketpair, &[30, 1]), denied);
    }

    #[test]
    fn what_is_said_of_files_stays_where_nothing_is_written() {
        for call in [libc::SYS_fchmodat, libc::SYS_utimensat, libc::SYS_fsetxattr] {
            assert_eq!(verdict(&strict(), call, &[]), failing(libc::EPERM));
            assert_eq!(verdict(&open(), call, &[]), ALLOW);
        }
        assert_eq!(verdict(&strict(), libc::SYS_ioctl, &[3, 0x4008_6602]), failing(libc::EPERM));
        assert_eq!(verdict(&strict(), libc::SYS_ioctl, &[3, 0x5412]), failing(libc::EPERM));
        assert_eq!(verdict(&open(), libc::SYS_ioctl, &[3, 0x4008_6602]), ALLOW);
    }

    #[test]
    fn calls_of_other_interfaces_end_the_program() {
        let program = assemble(&calls::rules(&open()));
        let own = ARCHITECTURE.unwrap();
        assert_eq!(run(&program, own ^ 1, 0, [0; 6]), KILL);
        assert_eq!(run(&program, own, SECOND_INTERFACE | 1, [0; 6]), KILL);
        assert_eq!(run(&program, own, 1, [0; 6]), ALLOW);
    }
}
