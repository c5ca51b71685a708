//! Which files a sandbox opens, as rules for Landlock. Pure; `kernel` hands them over.

use std::path::{Path, PathBuf};

use super::Bounds;

/// The rights that Landlock knows, by its own numbers.
pub(super) mod right {
    pub const EXECUTE: u64 = 1 << 0;
    pub const WRITE_FILE: u64 = 1 << 1;
    pub const READ_FILE: u64 = 1 << 2;
    pub const READ_DIR: u64 = 1 << 3;
    pub const REMOVE_DIR: u64 = 1 << 4;
    pub const REMOVE_FILE: u64 = 1 << 5;
    pub const MAKE_DIR: u64 = 1 << 7;
    pub const MAKE_REG: u64 = 1 << 8;
    pub const MAKE_SOCK: u64 = 1 << 9;
    pub const MAKE_FIFO: u64 = 1 << 10;
    pub const MAKE_SYM: u64 = 1 << 12;
    pub const REFER: u64 = 1 << 13;
    pub const TRUNCATE: u64 = 1 << 14;
    pub const IOCTL_DEV: u64 = 1 << 15;
}

use right::*;

/// What a rule for a file, and not for a folder, may hold.
pub(super) const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

const READ: u64 = EXECUTE | READ_FILE | READ_DIR;

/// Without making devices: through one of a disk, everything could be written.
const WRITE: u64 = WRITE_FILE
    | REMOVE_DIR
    | REMOVE_FILE
    | MAKE_DIR
    | MAKE_REG
    | MAKE_SOCK
    | MAKE_FIFO
    | MAKE_SYM
    | REFER
    | TRUNCATE;

const DEVICE: u64 = READ_FILE | WRITE_FILE | IOCTL_DEV;

/// What programs need to run at all, where reading is confined.
const SYSTEM: [&str; 14] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr",
    "/etc",
    "/opt",
    "/proc",
    "/nix/store",
    "/gnu/store",
    "/snap",
    "/run/current-system",
];

/// Devices that hold nothing of anybody.
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];

const TCP: u64 = 0b11;
const ABSTRACT_SOCKETS: u64 = 0b01;
const SIGNALS: u64 = 0b10;

/// What a ruleset handles, and what it then allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub files: u64,
    pub network: u64,
    pub scoped: u64,
    /// The version of the interface, which says how long the description is.
    pub version: u32,
    /// What is not there is passed over: nobody can touch it.
    pub allowed: Vec<(PathBuf, u64)>,
}

impl Rules {
    /// The rules for some bounds, as far as this version of Landlock's interface has them.
    pub(super) fn of(bounds: &Bounds, version: u32) -> Self {
        let Some(files) = &bounds.files else {
            return Self { allowed: Vec::new(), files: 0, ..Self::beside_files(bounds, version) };
        };
        let handled = match version {
            0 => 0,
            1 => (1 << 13) - 1,
            2 => (1 << 14) - 1,
            3 | 4 => (1 << 15) - 1,
            _ => (1 << 16) - 1,
        };
        let mut allowed: Vec<(PathBuf, u64)> =
            DEVICES.map(|device| (PathBuf::from(device), DEVICE | READ_DIR)).into();
        match &files.read {
            None => allowed.push((PathBuf::from("/"), READ)),
            Some(read) => {
                allowed.extend(SYSTEM.map(|folder| (PathBuf::from(folder), READ)));
                allowed.extend(read.iter().map(|path| (path.clone(), READ)));
            }
        }
        allowed.extend(files.write.iter().map(|path| (path.clone(), write(path))));
        for (_, rights) in &mut allowed {
            *rights &= handled;
        }
        Self { files: handled, allowed, ..Self::beside_files(bounds, version) }
    }

    fn beside_files(bounds: &Bounds, version: u32) -> Self {
        let offline = |bits: u64| if bounds.is_offline { bits } else { 0 };
        Self {
            network: if version >= 4 { offline(TCP) } else { 0 },
            scoped: if version >= 6 { SIGNALS | offline(ABSTRACT_SOCKETS) } else { 0 },
            version,
            ..Self::default()
        }
    }

    /// Whether there is anything to hold a program to.
    pub(super) const fn confine_nothing(&self) -> bool {
        self.files | self.network | self.scoped == 0
    }
}

/// Devices that somebody names are for more than bytes.
fn write(path: &Path) -> u64 {
    let of_devices = if path.starts_with("/dev") { IOCTL_DEV } else { 0 };
    READ | WRITE | of_devices
}

#[cfg(test)]
mod tests {
    use super::super::FileBounds;
    use super::*;

    fn bounds(files: Option<FileBounds>, is_offline: bool) -> Bounds {
        Bounds { files, is_offline }
    }

    #[test]
    fn each_version_has_what_it_knows() {
        let all = bounds(Some(FileBounds::default()), true);
        let of = |version| {
            let rules = Rules::of(&all, version);
            (rules.files.count_ones(), rules.network, rules.scoped)
        };
        let expected =
            [(0, 0, 0), (13, 0, 0), (14, 0, 0), (15, 0, 0), (15, 3, 0), (16, 3, 0), (16, 3, 3), (16, 3, 3)];
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(of), expected);
        let rights = Rules::of(&all, 1).allowed.iter().fold(0, |all, (_, rights)| all | rights);
        assert_eq!(rights & !0x1fff, 0, "a rule with rights that are not handled is refused");
    }

    #[test]
    fn what_is_not_asked_for_is_not_confined() {
        let rules = Rules::of(&bounds(None, false), 7);
        assert_eq!((rules.files, rules.network, rules.scoped), (0, 0, SIGNALS));
        assert!(!rules.confine_nothing() && Rules::of(&bounds(None, true), 0).confine_nothing());
    }

    #[test]
    fn nobody_makes_devices() {
        let files = FileBounds { write: vec!["/".into()], ..FileBounds::default() };
        let rules = Rules::of(&bounds(Some(files), false), 7);
        let made = rules.allowed.iter().fold(0, |all, (_, rights)| all | rights);
        assert_eq!(made & (1 << 6 | 1 << 11), 0);
        assert_eq!(rules.files & (1 << 6 | 1 << 11), 1 << 6 | 1 << 11);
    }
}
