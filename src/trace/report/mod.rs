//! What trace shows: lines, drawings, tables, JSON, a page.

mod draw;
mod html;
mod json;
mod label;
mod svg;
mod table;
mod text;

pub use draw::{BLURRED, Cell, cells, draw, symbol};
pub use html::{PodSection, page};
pub use json::{JsonLine, line_of_alert, line_of_news, line_of_verdict, schema};
pub use label::{Labels, with_uid};
pub use svg::svg;
pub use table::verdict_table;
pub use text::{
    TextStyle, alert_line, how, how_trouble, role_name, text_line, time_text, trouble_text, trouble_time,
    what_text,
};
