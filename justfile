# The recipes of this project; `just` alone lists them. See https://just.systems

_default:
    @just --list

# All that CI asks for, and the licences and advisories of the dependencies
check:
    .ci/run
    cargo deny check

# The tests
test *ARGS:
    cargo test {{ARGS}}

# Look at changed snapshots one by one, and accept or reject them
review:
    cargo insta review

# Write the generated parts of README.md and docs/ again
regen:
    REGENERATE=1 cargo test --test it -- generated benchmark

# Derive one shipped rule and prove it
rule NAME:
    cargo run --release --quiet -- derive rules/{{NAME}}.lag
    cargo run --release --quiet -- verify rules/{{NAME}}.lag

# Write a new rule's snapshots and look at them
snapshot:
    cargo insta test --review -- --test it

# The documentation of the library, with formulas
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --open

# Speed, with the ratios to SymPy and SciPy; writes docs/performance.md
bench:
    tests/bench/run

# Random and damaged files for some seconds; what breaks is kept in target/soak/
fuzz SECONDS="120" SEED="1":
    SOAK_SECONDS={{SECONDS}} SOAK_SEED={{SEED}} \
        cargo run --release --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz

# The same under libFuzzer; needs a nightly toolchain and cargo-fuzz
libfuzzer TARGET="derive" SECONDS="120":
    cargo +nightly fuzz run --fuzz-dir tests/fuzz --features libfuzzer \
        --target-dir target/fuzz {{TARGET}} -- -max_total_time={{SECONDS}}
