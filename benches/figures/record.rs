//! One figure of a benchmark. It is printed, and `make figures` keeps it for `docs/figures.md`.

use std::fs::OpenOptions;
use std::io::Write;

use serde_json::json;

/// What was measured, beside others in the same run.
pub struct Figure<'a> {
    /// The section of `docs/figures.md`.
    pub section: &'a str,
    /// What was done, with its counts: `unwrap of 1,000 Secrets, 20 ms a call`.
    pub what: &'a str,
    /// The unit of the values: `s`, `ms`, `MB`.
    pub unit: &'a str,
    /// Who did it, and the value. The first is kubectl-envcrypt.
    pub values: &'a [(&'a str, f64)],
    /// The goal: the first value divided by the second is at most this.
    pub goal: Option<f64>,
}

impl Figure<'_> {
    /// Prints the figure, and appends it as a line of JSON to the file that `ENVCRYPT_FIGURES`
    /// names.
    pub fn record(&self) {
        let Self { section, what, unit, values, goal } = self;
        let each: Vec<_> =
            values.iter().map(|(who, value)| format!("{who} {value:.3} {unit}")).collect();
        let ratio = match values {
            [(_, ours), (_, theirs), ..] => format!("; ratio {:.3}", ours / theirs),
            _ => String::new(),
        };
        println!("{what}: {}{ratio}", each.join(", "));
        let Some(path) = std::env::var_os("ENVCRYPT_FIGURES") else { return };
        let line = json!({
            "section": section, "what": what, "unit": unit, "values": values, "goal": goal,
            "command": format!("cargo bench --bench {}", env!("CARGO_CRATE_NAME")),
        });
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
        writeln!(file, "{line}").expect("written");
    }
}
