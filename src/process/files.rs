//! Files that `onex` was started with.

/// Keeps all open files but the three standard ones from every program that is started from here on. Whoever started
/// `onex` may have left some open without meaning them for what a contract runs.
pub fn keep_files_back() {
    #[cfg(target_os = "linux")]
    {
        const FIRST: libc::c_uint = 3;
        const CLOEXEC: libc::c_int = 4;
        // SAFETY: marks files of this process, and closes none.
        if unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, CLOEXEC) } == 0 {
            return;
        }
    }
    let Ok(open) = std::fs::read_dir("/dev/fd") else { return };
    let open = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for file in open.filter(|file: &libc::c_int| *file > 2).collect::<Vec<_>>() {
        // SAFETY: marks a file of this process; a number without a file is refused.
        unsafe { libc::fcntl(file, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
