//! Bytes as a request target: read as the naive model reads them, and once read never read otherwise.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| countersign_fuzz::target::check(bytes));
