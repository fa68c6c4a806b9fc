//! What fuzzing needs, shared by the libFuzzer targets, the stable loop in `main.rs`, and the
//! property tests in `tests/it/robust.rs` (which include these files by path).

pub mod choices;
pub mod generate;
pub mod hold;
pub mod mutate;
