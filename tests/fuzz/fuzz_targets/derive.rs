//! The bytes are decisions: a generated file, sometimes damaged; every derivation is sound.
#![no_main]

use lagrule_fuzz::{choices::Choices, generate::generate, hold, mutate::mutate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::from_bytes(bytes);
    let damaged = choices.chance(1, 2);
    let mut text = generate(&mut choices);
    if damaged {
        text = mutate(&text, &mut choices);
    }
    if let Some(study) = hold::study(&text) {
        assert_eq!(hold::faults(&study), Vec::<String>::new(), "{text}");
    }
});
