#![no_main]

#[path = "../../tests/it/hostile/laws.rs"]
#[expect(dead_code, reason = "each target checks one law")]
mod laws;

libfuzzer_sys::fuzz_target!(|text: &str| laws::contract(text));
