//! A voice for tests that pass or skip.

/// Says something to whoever runs the tests: `println!` is shown only of tests that fail.
#[allow(unused_macros, reason = "some test binaries only skip")]
macro_rules! tell {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let line = format!("{}\n", format_args!($($part)*));
        std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    }};
}

/// Says that a test, or a part of one, is skipped for want of something: a program, or a word of `.ci/run`.
///
/// # Panics
/// Where `SIDECAR_TESTS_HAVE` lists what is wanted: `.ci/run` has installed or started it, so that no test may
/// pass without it.
#[allow(dead_code, reason = "some test binaries only tell")]
#[track_caller]
pub(crate) fn skip(wanted: &str, why: &str) {
    let promised = std::env::var("SIDECAR_TESTS_HAVE").unwrap_or_default();
    assert!(
        !promised.split_whitespace().any(|word| word == wanted),
        "{why}, though SIDECAR_TESTS_HAVE lists {wanted}"
    );
    tell!("SKIPPED: {why}");
}
