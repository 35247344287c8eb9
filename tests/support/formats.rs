//! The formats that `lint -o` offers.

pub(crate) fn formats() -> Vec<clap::builder::PossibleValue> {
    let command = kubectl_sidecar::cli::command();
    let lint = command.find_subcommand("lint").unwrap();
    let output = lint
        .get_arguments()
        .find(|argument| argument.get_long() == Some("output"))
        .unwrap();
    let formats = output.get_possible_values();
    assert!(formats.len() > 1, "{formats:?}");
    formats
}
