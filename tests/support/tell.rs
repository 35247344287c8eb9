//! A voice for tests that pass or skip.

/// Says something to whoever runs the tests: `println!` is shown only of tests that fail.
macro_rules! tell {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let line = format!("{}\n", format_args!($($part)*));
        std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    }};
}

/// Says that a test skips for want of `$thing`. Where `SIDECAR_TEST_HAS` lists it, as `.ci/run` does with all that it
/// installed or started, the test fails instead: a skip must not be counted as passed.
#[allow(unused_macros, reason = "some tests only tell")]
macro_rules! skip {
    ($thing:expr, $($part:tt)*) => {{
        let thing: &str = $thing;
        let has = std::env::var("SIDECAR_TEST_HAS").unwrap_or_default();
        assert!(
            !has.split_whitespace().any(|one| one == thing),
            "{thing} is there, says SIDECAR_TEST_HAS, and yet: {}",
            format_args!($($part)*)
        );
        tell!("SKIPPED for want of {thing}: {}", format_args!($($part)*));
    }};
}
