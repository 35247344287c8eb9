//! A voice for tests that pass or skip.

/// Says something to whoever runs the tests: `println!` is shown only of tests that fail.
macro_rules! tell {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let line = format!("{}\n", format_args!($($part)*));
        std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    }};
}
