//! On which machine, and when?

use std::path::Path;
use std::process::Command;

use jiff::Zoned;
use serde_json::json;

/// Writes the first line of the file of the figures.
pub fn begin(path: &Path) {
    let cores = std::thread::available_parallelism().expect("a number").get();
    let kilobytes: f64 = field("/proc/meminfo", "MemTotal")
        .trim_end_matches(" kB")
        .parse()
        .expect("the memory in kB");
    let line = json!({
        "date": Zoned::now().strftime("%F").to_string(),
        "version": output("git", &["describe", "--always", "--dirty"]),
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": cores,
        "memory": format!("{:.0} GiB", kilobytes / 1024.0 / 1024.0),
        "system": output("uname", &["-sr"]),
        "rustc": output("rustc", &["-V"]),
    });
    std::fs::write(path, format!("{line}\n")).expect("written");
}

/// A line `name : value` of a file of Linux.
fn field(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).expect("Linux");
    let line = text.lines().find(|line| line.starts_with(name)).expect("there");
    line.split_once(':').expect("a value").1.trim().to_owned()
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().expect("it starts");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}
