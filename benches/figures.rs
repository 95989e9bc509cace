//! The page of the figures. `make figures` runs it before and after the benchmarks:
//!
//! - `figures begin FILE` writes the machine and the date as the first line of the file,
//! - `figures page FILE` writes `docs/figures.md` and its plots from the lines of the file.
//!
//! Nothing on the page comes from anywhere else, except the text outside its two marks.

#[path = "figures/lines.rs"]
mod lines;
#[path = "figures/machine.rs"]
mod machine;
#[path = "at_rest/figures.rs"]
#[allow(dead_code, reason = "shared with other benchmarks")]
mod numbers;
#[path = "figures/page.rs"]
mod page;
#[path = "figures/plot.rs"]
mod plot;

use std::path::Path;

fn main() {
    // Cargo adds flags.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["begin", file] => machine::begin(Path::new(file)),
        ["page", file] => page::write(&docs, &lines::read(Path::new(file))),
        // `cargo bench` runs every benchmark without arguments.
        _ => {}
    }
}
