//! Which chart a file belongs to.

use std::path::{Path, PathBuf};

/// The directory of the chart that a file is part of; of a chart below `charts/` the one that holds it.
#[must_use]
pub fn chart_of(file: &Path) -> Option<PathBuf> {
    let is_chart = |directory: &Path| directory.join("Chart.yaml").is_file();
    let mut chart = file.ancestors().skip(1).find(|directory| is_chart(directory))?;
    while let Some(charts) = chart.parent().filter(|parent| parent.ends_with("charts"))
        && let Some(outer) = charts.parent().filter(|outer| is_chart(outer))
    {
        chart = outer;
    }
    Some(if chart.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        chart.to_owned()
    })
}
