use crate::shell::{Dialect, SIZE_LIMIT, parse};

#[test]
fn hostile_scripts_end_without_an_overflow() {
    let repeated = |unit: &str| unit.repeat(SIZE_LIMIT / unit.len());
    for text in [
        repeated("("),
        repeated("(("),
        repeated("$("),
        repeated("$(("),
        repeated("$((a) "),
        repeated("${a:-"),
        repeated("${"),
        repeated("\"$("),
        repeated("`"),
        repeated("`\\`"),
        repeated("`\\\\"),
        repeated("if "),
        repeated("if a; then "),
        repeated("case x in x) "),
        repeated("case x in "),
        repeated("while "),
        repeated("for i in a; do "),
        repeated("{ "),
        repeated("f() "),
        repeated("f() { "),
        repeated("! "),
        repeated("a <<E "),
        repeated("a <<E\n"),
        repeated("$(a <<E "),
        repeated("a | "),
        repeated("a && "),
        repeated("a; "),
        repeated("<("),
        repeated("[[ "),
        repeated("[[ ( "),
        repeated("a=("),
        repeated("a[$(("),
        repeated("@("),
        repeated("sh -c \"$("),
        repeated("sh -c '"),
        repeated("eval eval "),
        repeated("\\"),
        repeated("'"),
        repeated("a\n"),
        repeated("$((1)) "),
        repeated("1<"),
        repeated("~"),
        repeated("é"),
        "a".repeat(SIZE_LIMIT + 1),
    ] {
        let _ = parse(&text, Dialect::Posix);
    }
}
