//! What trace shows: lines, drawings, tables, JSON, a page.

mod draw;
mod json;
mod table;
mod text;

pub use draw::{draw, symbol};
pub use json::{JsonLine, line_of_news, line_of_verdict, schema};
pub use table::verdict_table;
pub use text::{TextStyle, how, text_line};
