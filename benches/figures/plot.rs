//! A plot: for each figure, a bar for everyone. The longest bar of a figure has the full width, so
//! that the bars of one figure can be compared, and those of different figures cannot.

use std::path::Path;

use svg::Document;
use svg::node::element::{Rectangle, Text};

use crate::lines::Figure;
use crate::numbers::float;

/// Pixels.
const WIDTH: f64 = 860.0;
const LINE: f64 = 20.0;
const MARGIN: f64 = 12.0;
/// Where the bars begin. The names are left of it.
const BARS: f64 = 300.0;
/// The longest bar. The values are right of it.
const LONGEST: f64 = WIDTH - BARS - 110.0;

const OURS: &str = "#2563ab";
const THEIRS: &str = "#b4b9c1";
const INK: &str = "#1f2328";

/// Writes a plot of figures, each with one value at least.
pub fn write(path: &Path, figures: &[&Figure]) {
    let lines: usize = figures.iter().map(|figure| figure.values.len() + 1).sum();
    let gaps = float(figures.len().saturating_sub(1)) * LINE / 2.0;
    let height = float(lines) * LINE + gaps + 2.0 * MARGIN;
    let mut plot = Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("width", WIDTH)
        .set("font-family", "system-ui, sans-serif")
        .set("font-size", 13)
        .add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "white"));
    let mut y = MARGIN;
    for figure in figures {
        plot = plot.add(text(&figure.what, MARGIN, y).set("font-weight", "bold"));
        y += LINE;
        let most = figure.values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        for (index, (who, value)) in figure.values.iter().enumerate() {
            // A bar that cannot be seen would be read as nothing.
            let width = (LONGEST * value / most).max(1.5);
            let colour = if index == 0 { OURS } else { THEIRS };
            let bar = Rectangle::new()
                .set("x", BARS)
                .set("y", y + 3.0)
                .set("width", format!("{width:.1}"))
                .set("height", LINE - 6.0)
                .set("fill", colour);
            plot = plot.add(text(who, BARS - 8.0, y).set("text-anchor", "end")).add(bar).add(text(
                &figure.text(*value),
                BARS + width.round() + 6.0,
                y,
            ));
            y += LINE;
        }
        y += LINE / 2.0;
    }
    svg::save(path, &plot).expect("written");
}

/// A line of text whose top is at `y`.
fn text(text: &str, x: f64, y: f64) -> Text {
    Text::new(text).set("x", x).set("y", y + LINE - 6.0).set("fill", INK)
}
