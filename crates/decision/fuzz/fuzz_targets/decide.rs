//! Bytes to a small world and its calls; the engine has to answer as the naive model.
#![no_main]

use countersign_fuzz::compare::{Tally, compare};
use countersign_fuzz::{Choices, World};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let world = World::made(&mut Choices::Bytes(bytes), 4, 6);
    compare(&world, &mut Tally::new()).unwrap_or_else(|difference| panic!("{difference}"));
});
