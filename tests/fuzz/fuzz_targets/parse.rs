//! Any bytes are read or refused, and what is read prints back.
#![no_main]

use lagrule_fuzz::hold;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hold::parses(&String::from_utf8_lossy(bytes)));
