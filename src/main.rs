//! The `onex` program. Everything is in the library.

fn main() -> std::process::ExitCode {
    onex::cli::main()
}
