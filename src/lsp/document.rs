//! A document that is open in the editor.

use std::{path::PathBuf, sync::Arc};

use gen_lsp_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::{
    position::{Encoding, Places},
    uri,
};
use crate::source::SourceFile;

/// Its text is the editor's, whatever the file on the disk holds.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) uri: Uri,
    pub(super) version: i32,
    pub(super) path: Option<PathBuf>,
    pub(super) source: Arc<SourceFile>,
}

impl Document {
    pub(super) fn open(item: TextDocumentItem) -> Self {
        let path = uri::to_path(&item.uri);
        let name = match &path {
            Some(path) => path.display().to_string(),
            None => item.uri.0.clone(),
        };
        Self {
            source: Arc::new(SourceFile {
                name,
                text: item.text.into(),
            }),
            path,
            version: item.version,
            uri: item.uri,
        }
    }

    /// Makes changes, each on the result of the one before.
    pub(super) fn change(
        &mut self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        let mut text = self.source.text.to_string();
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    let span = Places::new(&text, encoding).span(change.range);
                    text.replace_range(span, &change.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => {
                    text = change.text;
                }
            }
        }
        self.version = version;
        self.source = Arc::new(SourceFile {
            name: self.source.name.clone(),
            text: text.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn changed(text: &str, changes: Value) -> String {
        let item = json!({"uri": "file:///a.yaml", "languageId": "yaml", "version": 1, "text": text});
        let mut document = Document::open(serde_json::from_value(item).unwrap());
        document.change(2, serde_json::from_value(changes).unwrap(), Encoding::Utf16);
        assert_eq!(document.version, 2);
        document.source.text.to_string()
    }

    fn range(start: (u32, u32), end: (u32, u32)) -> Value {
        json!({"start": {"line": start.0, "character": start.1}, "end": {"line": end.0, "character": end.1}})
    }

    #[test]
    fn changes_build_on_each_other() {
        let changes = json!([
            {"range": range((0, 5), (0, 5)), "text": "x"},
            {"range": range((0, 5), (0, 6)), "text": "y\r\nz"},
            {"range": range((1, 0), (1, 1)), "text": ""},
        ]);
        assert_eq!(changed("a: 🦀\r\nb", changes), "a: 🦀y\r\n\r\nb");
    }

    #[test]
    fn a_change_without_a_range_is_the_whole_text() {
        assert_eq!(changed("a", json!([{"text": "b"}])), "b");
    }

    #[test]
    fn ranges_that_make_no_sense_break_nothing() {
        let changes = json!([
            {"range": range((9, 9), (0, 0)), "text": "end"},
            {"range": range((0, 1), (0, 0)), "text": "-"},
        ]);
        assert_eq!(changed("ab", changes), "a-bend");
    }
}
