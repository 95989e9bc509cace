//! The page: a table and a plot for each section, between two marks of `docs/figures.md`.

use std::fmt::Write;
use std::path::Path;

use crate::lines::{Figure, Lines, digits};
use crate::plot;

const BEGIN: &str = "<!-- `make figures` writes what follows -->\n";
const END: &str = "<!-- the end of what `make figures` writes -->\n";

/// The sections in the order of the page, and the names of their plots.
const SECTIONS: [(&str, &str); 7] = [
    ("One Secret", "one-secret"),
    ("KMS", "kms"),
    ("check", "check"),
    ("Cluster", "cluster"),
    ("Git", "git"),
    ("Controller", "controller"),
    ("Encryption at rest", "at-rest"),
];

/// Writes the page and its plots into this directory.
pub fn write(docs: &Path, lines: &Lines) {
    let named = |figure: &Figure| SECTIONS.iter().any(|(section, _)| *section == figure.section);
    assert!(lines.figures.iter().all(named), "a figure is in no section");
    let mut text = machine(lines);
    for (section, plot) in SECTIONS {
        let figures: Vec<_> = lines.figures.iter().filter(|f| f.section == section).collect();
        if figures.is_empty() {
            continue;
        }
        write!(text, "\n### {section}\n\n").expect("a string");
        if draw(docs, plot, &figures) {
            write!(text, "![{section}](figures/{plot}.svg)\n\n").expect("a string");
        }
        text.push_str(&table(&figures));
    }
    let with_goal: Vec<_> = lines.figures.iter().filter(|figure| figure.goal.is_some()).collect();
    draw(docs, "goals", &with_goal);
    let path = docs.join("figures.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("the first mark");
    let (_, after) = rest.split_once(END).expect("the second mark");
    std::fs::write(&path, format!("{before}{BEGIN}{text}\n{END}{after}")).expect("written");
}

fn machine(lines: &Lines) -> String {
    let machine = &lines.machine;
    format!(
        "\nMeasured on {} with version `{}`: {} with {} cores, {} of memory, {}, {}.\n",
        machine.date,
        machine.version,
        machine.processor,
        machine.cores,
        machine.memory,
        machine.system,
        machine.rustc,
    )
}

/// Draws the figures that have a peer. Returns whether there are any.
fn draw(docs: &Path, name: &str, figures: &[&Figure]) -> bool {
    let with_peer: Vec<_> = figures.iter().copied().filter(|f| f.values.len() > 1).collect();
    if !with_peer.is_empty() {
        let directory = docs.join("figures");
        std::fs::create_dir_all(&directory).expect("a directory");
        plot::write(&directory.join(format!("{name}.svg")), &with_peer);
    }
    !with_peer.is_empty()
}

fn table(figures: &[&Figure]) -> String {
    let mut text =
        "| what | ours | others | ours ÷ the first | goal | command |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for figure in figures {
        let Figure { what, values, goal, command, .. } = figure;
        let (ours, others) = values.split_first().expect("a value");
        let others: Vec<_> =
            others.iter().map(|(who, value)| format!("{who}: {}", figure.text(*value))).collect();
        let ours = match ours.0.as_str() {
            "kubectl-envcrypt" => figure.text(ours.1),
            other => format!("{other}: {}", figure.text(ours.1)),
        };
        let ratio = figure.ratio().map(digits).unwrap_or_default();
        let goal = goal.map(|goal| format!("≤ {}", digits(goal))).unwrap_or_default();
        let others = others.join("<br>").replace('|', "\\|");
        writeln!(text, "| {what} | {ours} | {others} | {ratio} | {goal} | `{command}` |")
            .expect("a string");
    }
    text
}
