#![no_main]

#[path = "../../tests/it/hostile/laws.rs"]
#[expect(dead_code, reason = "each target checks one law")]
mod laws;

use std::path::PathBuf;
use std::sync::OnceLock;

/// The files that an input is split into.
const NAMES: [&str; 4] = ["contract.yaml", "a.yaml", "b.yaml", "parts/c.yaml"];

/// What stands between two files.
const SEPARATOR: u8 = 0x1c;

fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("onex-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("parts")).expect("a folder");
        folder.canonicalize().expect("a folder")
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut files = bytes.split(|byte| *byte == SEPARATOR);
    for name in NAMES {
        let path = folder().join(name);
        match files.next() {
            Some(bytes) => std::fs::write(path, bytes).expect("a file"),
            None => drop(std::fs::remove_file(path)),
        }
    }
    laws::include(folder());
});
