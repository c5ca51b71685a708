//! Starting a program with one `clone` that shares memory until `execve`: nothing is copied, no thread waits, and
//! all that the child needs is made before it exists.
//!
//! The child runs on a stack of its own inside the parent's memory while the parent sleeps. It calls nothing but the
//! kernel: no allocation, no lock, no unwinding.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::ptr;

use rustix::process::Pid;

use super::{Order, pid, zero_byte};
use crate::process::limits::Limits;
use crate::process::sandbox::{Entry, NotConfined};
use crate::process::{signals, variables};

/// The stack of a child between `clone` and `execve`, and the page below it that nobody may touch.
const STACK: usize = 64 * 1024;
const GUARD: usize = 64 * 1024;

/// Starts it.
pub fn spawn(order: &Order<'_>) -> io::Result<Pid> {
    SPAWNER.with_borrow_mut(|spawner| spawner.spawn(order))
}

thread_local! {
    static SPAWNER: RefCell<Spawner> = const { RefCell::new(Spawner { stack: None, text: Vec::new(), pointers: Vec::new() }) };
}

/// What is made once and used for every program.
struct Spawner {
    stack: Option<Stack>,
    text: Vec<u8>,
    pointers: Vec<*const c_char>,
}

/// All that a child needs. Lives in the parent's memory, which the child shares.
struct Image {
    file: *const c_char,
    argv: *const *const c_char,
    env: *const *const c_char,
    directory: *const c_char,
    streams: [c_int; 3],
    terminal: Option<c_int>,
    limits: Limits,
    cpus: Option<libc::cpu_set_t>,
    /// The signals to hear in the program, as in the thread that starts it.
    mask: libc::sigset_t,
    /// The signals that have handlers here, which must not run in the child.
    handled: u64,
    /// The sandbox that it enters.
    sandbox: Option<Entry>,
    /// Whether it was about to enter it; the answer to why the program does not run is then another one.
    entering: bool,
    /// Why the program does not run; the child's only answer.
    errno: c_int,
}

impl Spawner {
    fn spawn(&mut self, order: &Order<'_>) -> io::Result<Pid> {
        let program = order.program;
        let (own, inherited) = (&program.env, program.inherited.variables());
        if own.has_zero() || inherited.has_zero() {
            return Err(zero_byte());
        }
        self.text.clear();
        self.pointers.clear();
        let file = self.add_text(program.file.as_os_str().as_bytes())?;
        let directory = self.add_text(program.directory.as_os_str().as_bytes())?;
        let arguments = self.text.len();
        let all = || {
            let files = program.files.iter().map(|file| file.as_bytes());
            program.argv.iter().map(String::as_bytes).chain(files)
        };
        for argument in all() {
            self.add_text(argument)?;
        }
        // The text does not move any more.
        let text = self.text.as_ptr().cast::<c_char>();
        let mut at = arguments;
        for argument in all() {
            self.pointers.push(text.wrapping_add(at));
            at += argument.len() + 1;
        }
        self.pointers.push(ptr::null());
        let env = self.pointers.len();
        self.add_variables(order);
        self.pointers.push(ptr::null());
        let cpus = program.limits.cpus.map(first_cpus).transpose()?;
        let mut image = Image {
            file: text.wrapping_add(file),
            argv: self.pointers.as_ptr(),
            env: self.pointers[env..].as_ptr(),
            directory: text.wrapping_add(directory),
            streams: order.streams.map(|stream| stream.as_raw_fd()),
            terminal: order.terminal.map(|terminal| terminal.as_raw_fd()),
            limits: program.limits,
            cpus,
            mask: every_signal(),
            handled: signals::handled(),
            sandbox: program.sandbox.as_deref().map(Entry::of),
            entering: false,
            errno: 0,
        };
        if self.stack.is_none() {
            self.stack = Some(Stack::new()?);
        }
        let stack = self.stack.as_ref().map_or(ptr::null_mut(), Stack::top);
        start(&mut image, stack)
    }

    /// Where the text begins that was added.
    fn add_text(&mut self, text: &[u8]) -> io::Result<usize> {
        if text.contains(&0) {
            return Err(zero_byte());
        }
        let start = self.text.len();
        self.text.extend_from_slice(text);
        self.text.push(0);
        Ok(start)
    }

    fn add_variables(&mut self, order: &Order<'_>) {
        let first = self.pointers.len();
        let inherited = &order.program.inherited;
        self.pointers.extend(inherited.variables().texts().map(|(_, text)| text.as_ptr().cast::<c_char>()));
        variables::lay_over(inherited, &order.program.env, |place, text| {
            let text = text.as_ptr().cast::<c_char>();
            match self.pointers.get_mut(first + place) {
                Some(pointer) => *pointer = text,
                None => self.pointers.push(text),
            }
        });
    }
}

/// Starts the program of `image` and waits until it runs or has failed to.
fn start(image: &mut Image, stack: *mut c_void) -> io::Result<Pid> {
    let everything = image.mask;
    // No handler of this process may run in the child, which shares its memory.
    // SAFETY: both sets are valid, and the old mask is restored below.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const everything, &raw mut image.mask) };
    let before = image.mask;
    let image: *mut Image = image;
    // SAFETY: the stack is mapped, large enough and used by one child at a time, because CLONE_VFORK makes this
    // thread sleep until the child has its own memory or is gone; `image` outlives that.
    let raw = unsafe {
        libc::clone(
            become_program,
            stack,
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            image.cast::<c_void>(),
        )
    };
    let refused = io::Error::last_os_error();
    // SAFETY: `before` is the mask that was there.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut()) };
    if raw < 0 {
        return Err(refused);
    }
    // SAFETY: the child does not write any more; the compiler cannot know that it did.
    let errno = unsafe { (&raw const (*image).errno).read_volatile() };
    if errno == 0 {
        return pid(raw);
    }
    // It ended before it was a program, and nobody else knows its number.
    // SAFETY: waiting for a child of one's own, whose status is not asked for.
    while unsafe { libc::waitpid(raw, ptr::null_mut(), 0) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
    let error = io::Error::from_raw_os_error(errno);
    // SAFETY: as above.
    match unsafe { (&raw const (*image).entering).read_volatile() } {
        true => Err(io::Error::other(NotConfined(error))),
        false => Err(error),
    }
}

/// What the child does. Never returns to the code of the parent.
extern "C" fn become_program(image: *mut c_void) -> c_int {
    let image = image.cast::<Image>();
    // SAFETY: the parent sleeps, so nobody else uses the image; only system calls are made.
    unsafe {
        if (*image).steps().is_ok() && (*image).enter_sandbox().is_ok() {
            libc::execve((*image).file, (*image).argv, (*image).env);
        }
        (*image).errno = *libc::__errno_location();
        libc::_exit(127)
    }
}

/// The last system call failed; `errno` says why.
struct Failed;

impl Image {
    /// Everything between `clone` and `execve`.
    ///
    /// # Safety
    ///
    /// Only in the child.
    unsafe fn steps(&self) -> Result<(), Failed> {
        // SAFETY: system calls with valid arguments that concern this child alone.
        unsafe {
            let mut default: libc::sigaction = std::mem::zeroed();
            default.sa_sigaction = libc::SIG_DFL;
            let mut handled = self.handled | 1 << (libc::SIGPIPE - 1);
            while handled != 0 {
                libc::sigaction(handled.trailing_zeros() as c_int + 1, &raw const default, ptr::null_mut());
                handled &= handled - 1;
            }
            check(libc::setpgid(0, 0))?;
            if let Some(terminal) = self.terminal {
                // All signals are blocked, so that SIGTTOU does not stop who takes the terminal.
                libc::tcsetpgrp(terminal, libc::getpid());
            }
            for (target, &stream) in (0..).zip(&self.streams) {
                if stream != target {
                    check(libc::dup2(stream, target))?;
                }
            }
            check(libc::chdir(self.directory))?;
            lower(libc::RLIMIT_AS, self.limits.memory)?;
            lower(libc::RLIMIT_NPROC, self.limits.processes)?;
            if let Some(cpus) = &self.cpus {
                check(libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), cpus))?;
            }
            check(libc::sigprocmask(libc::SIG_SETMASK, &raw const self.mask, ptr::null_mut()))
        }
    }
}

impl Image {
    /// The last thing before `execve`: what was done until here may be forbidden afterwards.
    ///
    /// # Safety
    ///
    /// Only in the child.
    unsafe fn enter_sandbox(&mut self) -> Result<(), Failed> {
        let Some(sandbox) = &self.sandbox else { return Ok(()) };
        self.entering = true;
        // SAFETY: in the child, and the parent holds what the entry was made of.
        if !unsafe { sandbox.enter() } {
            return Err(Failed);
        }
        self.entering = false;
        Ok(())
    }
}

fn check(result: c_int) -> Result<(), Failed> {
    if result < 0 { Err(Failed) } else { Ok(()) }
}

/// Lowers a limit, for good; one that is lower already stays.
///
/// # Safety
///
/// Only in the child.
unsafe fn lower(resource: libc::__rlimit_resource_t, to: Option<u64>) -> Result<(), Failed> {
    let Some(to) = to else { return Ok(()) };
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a valid place and concern this child alone.
    unsafe {
        check(libc::getrlimit(resource, &raw mut limit))?;
        limit.rlim_max = limit.rlim_max.min(to);
        limit.rlim_cur = limit.rlim_cur.min(limit.rlim_max);
        check(libc::setrlimit(resource, &raw const limit))
    }
}

fn every_signal() -> libc::sigset_t {
    // SAFETY: `sigfillset` makes the set valid, whatever it was.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        set
    }
}

/// The first `count` processors of those that this process may use.
fn first_cpus(count: usize) -> io::Result<libc::cpu_set_t> {
    // SAFETY: the sets are plain bits, and the kernel gets the size of what it fills.
    unsafe {
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut allowed) < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut first: libc::cpu_set_t = std::mem::zeroed();
        let all = 0..8 * size_of::<libc::cpu_set_t>();
        all.filter(|&cpu| libc::CPU_ISSET(cpu, &allowed))
            .take(count.max(1))
            .for_each(|cpu| libc::CPU_SET(cpu, &mut first));
        Ok(first)
    }
}

/// The stack of children.
struct Stack(*mut c_void);

impl Stack {
    fn new() -> io::Result<Self> {
        // SAFETY: a fresh mapping that nobody else knows; its lowest part is closed before it is used.
        unsafe {
            let base = libc::mmap(
                ptr::null_mut(),
                GUARD + STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            );
            if base == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let stack = Self(base);
            if libc::mprotect(base, GUARD, libc::PROT_NONE) < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(stack)
        }
    }

    /// It grows downwards.
    fn top(&self) -> *mut c_void {
        self.0.wrapping_byte_add(GUARD + STACK)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is its own, and no child uses it: each is waited for before `spawn` returns.
        unsafe { libc::munmap(self.0, GUARD + STACK) };
    }
}
