//! What the kernel is asked for: rulesets of Landlock, filters of seccomp, and to be held to both.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::filter::ARCHITECTURE;
use super::landlock::{OF_FILES, Rules};
use super::{Confinement, Enforcement};

const ASK_FOR_VERSION: u32 = 1;
const PATH_BENEATH: c_int = 1;
const GET_ACTION_AVAIL: u32 = 2;
const SET_MODE_FILTER: u32 = 1;
const KILL_PROCESS: u32 = 0x8000_0000;

/// What root can do beside what Landlock and the filter see: read other programs, open files by their numbers, make
/// devices, change clocks, networks and the kernel. What it takes to use files of others stays.
const CAPABILITIES: [c_int; 18] = [
    2,  // CAP_DAC_READ_SEARCH
    9,  // CAP_LINUX_IMMUTABLE
    12, // CAP_NET_ADMIN
    13, // CAP_NET_RAW
    16, // CAP_SYS_MODULE
    17, // CAP_SYS_RAWIO
    19, // CAP_SYS_PTRACE
    21, // CAP_SYS_ADMIN
    22, // CAP_SYS_BOOT
    25, // CAP_SYS_TIME
    27, // CAP_MKNOD
    30, // CAP_AUDIT_CONTROL
    32, // CAP_MAC_OVERRIDE
    33, // CAP_MAC_ADMIN
    34, // CAP_SYSLOG
    38, // CAP_PERFMON
    39, // CAP_BPF
    40, // CAP_CHECKPOINT_RESTORE
];

/// `landlock_ruleset_attr`.
#[repr(C)]
struct RulesetAttributes {
    files: u64,
    network: u64,
    scoped: u64,
}

/// `landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: c_int,
}

/// What this kernel has.
pub(super) fn enforcement() -> Enforcement {
    // SAFETY: with this flag the call only gives a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttributes>(),
            0_usize,
            ASK_FOR_VERSION,
        )
    };
    let action = KILL_PROCESS;
    // SAFETY: the call reads one number.
    let ends = unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0_u32, &raw const action) };
    Enforcement {
        landlock: u32::try_from(version).unwrap_or(0),
        seccomp: ends == 0 && ARCHITECTURE.is_some(),
    }
}

/// Makes a ruleset; nothing where there is nothing to hold a program to.
pub(super) fn ruleset(rules: &Rules) -> io::Result<Option<OwnedFd>> {
    if rules.confine_nothing() {
        return Ok(None);
    }
    let attributes = RulesetAttributes { files: rules.files, network: rules.network, scoped: rules.scoped };
    // An older kernel refuses a longer description than it knows.
    let size: usize = match rules.version {
        0..=3 => 8,
        4 | 5 => 16,
        _ => 24,
    };
    // SAFETY: the description is valid and at least `size` bytes long.
    let raw = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0_u32) };
    let raw = RawFd::try_from(raw).ok().filter(|raw| *raw >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: a fresh file that nobody else knows; the kernel closes it at `execve`.
    let ruleset = unsafe { OwnedFd::from_raw_fd(raw) };
    for (path, rights) in &rules.allowed {
        allow(&ruleset, path, *rights)?;
    }
    Ok(Some(ruleset))
}

fn allow(ruleset: &OwnedFd, path: &Path, rights: u64) -> io::Result<()> {
    let file = match rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => file,
        // Nobody can touch what is not there, or what its user cannot reach.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::NXIO) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let is_folder = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) == FileType::Directory;
    let allowed = if is_folder { rights } else { rights & OF_FILES };
    if allowed == 0 {
        return Ok(());
    }
    let rule = PathBeneath { allowed, parent: file.as_raw_fd() };
    // SAFETY: the rule is valid, and its file is open.
    let added = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), PATH_BENEATH, &raw const rule, 0_u32)
    };
    if added < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A sandbox as a child enters it: numbers and pointers into what the parent holds.
pub(in crate::process) struct Entry {
    ruleset: Option<RawFd>,
    filter: libc::sock_fprog,
}

impl Entry {
    pub(in crate::process) fn of(confinement: &Confinement) -> Self {
        // The kernel takes up to 4096 steps, and there are far fewer.
        let len = u16::try_from(confinement.filter.len()).unwrap_or(u16::MAX);
        let filter = libc::sock_fprog { len, filter: confinement.filter.as_ptr().cast_mut() };
        Self { ruleset: confinement.ruleset.as_ref().map(std::os::fd::AsRawFd::as_raw_fd), filter }
    }

    /// Holds the calling process and all that it starts to the sandbox, for good. Gives whether that worked; `errno`
    /// says why not.
    ///
    /// # Safety
    ///
    /// Only in a child that does nothing else than becoming a program, while what the entry was made of is there.
    pub(in crate::process) unsafe fn enter(&self) -> bool {
        // SAFETY: system calls with valid arguments that concern this process alone.
        unsafe {
            let nothing = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // The memory of a program that is ended would be written outside.
            if libc::setrlimit(libc::RLIMIT_CORE, &raw const nothing) < 0
                || libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
            {
                return false;
            }
            // Who may not drop them is not root, and gets none of them by starting a program.
            for capability in CAPABILITIES {
                libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
            }
            if let Some(ruleset) = self.ruleset
                && libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0_u32) < 0
            {
                return false;
            }
            // Last: it may forbid what was done before.
            self.filter.len == 0
                || libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0_u32, &raw const self.filter) == 0
        }
    }
}
