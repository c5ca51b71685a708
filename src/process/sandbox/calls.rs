//! What becomes of system calls in a sandbox. The table for people is in `docs/sandbox.md`; a test holds it against this.

use super::Bounds;

/// A system call by the number that it has on this machine.
pub(super) type Number = libc::c_long;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It fails, and the program goes on: honest programs try it.
    Fails(libc::c_int),
    /// The process ends with SIGSYS: no honest program makes it.
    Ends,
}

/// When a call gets its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Whatever its arguments are.
    Always,
    /// The lower half of this argument has one of these bits.
    AnyBit(u8, u32),
    /// The lower half of this argument, with these bits alone, is one of these.
    OneOf(u8, u32, &'static [u32]),
    /// It is none of these.
    NoneOf(u8, u32, &'static [u32]),
}

/// One call and its verdict. The rules of one call stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub number: Number,
    pub when: When,
    pub verdict: Verdict,
}

/// New namespaces, but that of time, whose bit `clone` uses for something else.
const NAMESPACES: u32 = 0x7e02_0000;
const NAMESPACE_OF_TIME: u32 = 0x80;

/// Types a character at somebody's terminal, as if its user had.
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;

/// Attributes of files, such as "nobody may change it".
const FS_IOC_SETFLAGS: u32 = 0x4008_6602;
const FS_IOC_FSSETXATTR: u32 = 0x401c_5820;

const ALL_BITS: u32 = u32::MAX;
const TYPE_BITS: u32 = 0xf;

/// Looks into or changes another program, or the machine; tried by debuggers, profilers, containers and their like.
const REFUSED: &[Number] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_syslog,
    libc::SYS_fanotify_init,
];

/// Changes the kernel or the whole machine.
const FATAL: &[Number] = &[
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_quotactl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// Changes what is said of a file. Landlock does not see it, so nobody may where nothing may be written.
const METADATA: &[Number] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

/// Calls of newer kernels, which have the same number everywhere.
const SYS_SETXATTRAT: Number = 463;
const SYS_REMOVEXATTRAT: Number = 466;
const SYS_FILE_SETATTR: Number = 469;
const SYS_OPEN_TREE_ATTR: Number = 467;

/// The rules for some bounds.
pub(super) fn rules(bounds: &Bounds) -> Vec<Rule> {
    use Verdict::{Ends, Fails};
    use When::{Always, AnyBit, NoneOf, OneOf};
    let rule = |number, when, verdict| Rule { number, when, verdict };
    let not_permitted = Fails(libc::EPERM);
    let denied = Fails(libc::EACCES);
    let mut rules: Vec<Rule> = REFUSED.iter().map(|&call| rule(call, Always, not_permitted)).collect();
    rules.push(rule(SYS_OPEN_TREE_ATTR, Always, not_permitted));
    rules.extend(FATAL.iter().map(|&call| rule(call, Always, Ends)));
    // Its flags are in memory, where a filter cannot look; without it programs use `clone`.
    rules.push(rule(libc::SYS_clone3, Always, Fails(libc::ENOSYS)));
    rules.push(rule(libc::SYS_clone, AnyBit(0, NAMESPACES), not_permitted));
    rules.push(rule(libc::SYS_unshare, AnyBit(0, NAMESPACES | NAMESPACE_OF_TIME), not_permitted));
    // The limits of others, such as those of `onex`.
    rules.push(rule(libc::SYS_prlimit64, NoneOf(0, ALL_BITS, &[0]), not_permitted));
    rules.push(rule(libc::SYS_ioctl, OneOf(1, ALL_BITS, &[TIOCSTI, TIOCLINUX]), not_permitted));
    if bounds.files.as_ref().is_some_and(|files| files.keeps_metadata) {
        let attributes = OneOf(1, ALL_BITS, &[FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR]);
        rules.push(rule(libc::SYS_ioctl, attributes, not_permitted));
        rules.extend(METADATA.iter().map(|&call| rule(call, Always, not_permitted)));
    }
    if bounds.is_offline {
        rules.push(rule(libc::SYS_socket, Always, denied));
        const UNIX: u32 = libc::AF_UNIX as u32;
        // One end of a pair of datagram sockets could still be turned to any other socket.
        const ADDRESSED: &[u32] = &[libc::SOCK_DGRAM as u32, libc::SOCK_RAW as u32];
        rules.push(rule(libc::SYS_socketpair, NoneOf(0, ALL_BITS, &[UNIX]), denied));
        rules.push(rule(libc::SYS_socketpair, OneOf(1, TYPE_BITS, ADDRESSED), denied));
    }
    rules
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_call_is_in_the_table_for_people() {
        let documented = include_str!("../../../docs/sandbox.md");
        let here = include_str!("calls.rs").split("#[cfg(test)]\nmod tests").next().unwrap();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = here.split("SYS_").skip(1).filter_map(|rest| rest.split(|c| !is_name(c)).next());
        let missing: Vec<_> =
            names.map(str::to_lowercase).filter(|name| !documented.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
