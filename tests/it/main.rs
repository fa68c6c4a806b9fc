//! One integration-test binary.

mod solve;
