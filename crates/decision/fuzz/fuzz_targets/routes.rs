//! Bytes to path templates and targets; the engine has to choose as the naive model.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| countersign_fuzz::routes::check(bytes));
