//! What the benchmarks recorded, read back.

use std::path::Path;

use serde::Deserialize;

/// The machine and the date, then each figure.
pub struct Lines {
    pub machine: Machine,
    pub figures: Vec<Figure>,
}

#[derive(Deserialize)]
pub struct Machine {
    pub date: String,
    pub version: String,
    pub processor: String,
    pub cores: usize,
    pub memory: String,
    pub system: String,
    pub rustc: String,
}

/// A line that `record.rs` wrote.
#[derive(Deserialize)]
pub struct Figure {
    pub section: String,
    pub what: String,
    pub unit: String,
    /// Who did it, and the value. The first is kubectl-envcrypt.
    pub values: Vec<(String, f64)>,
    pub goal: Option<f64>,
    pub command: String,
}

impl Figure {
    /// The first value divided by the second.
    pub fn ratio(&self) -> Option<f64> {
        match self.values[..] {
            [(_, ours), (_, theirs), ..] => Some(ours / theirs),
            _ => None,
        }
    }

    /// A value as a reader wants it: three digits, with the unit.
    pub fn text(&self, value: f64) -> String {
        format!("{} {}", digits(value), self.unit)
    }
}

/// Three digits, where there are as many before the point all of them.
pub fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Reads the file.
pub fn read(path: &Path) -> Lines {
    let text = std::fs::read_to_string(path).expect("the file of the figures");
    let mut lines = text.lines();
    let machine = serde_json::from_str(lines.next().expect("a line")).expect("the machine");
    let figures = lines.map(|line| serde_json::from_str(line).expect("a figure")).collect();
    Lines { machine, figures }
}
