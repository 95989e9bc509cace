//! `check --filter`: lets a text pass only if nothing is found in it, for example as a
//! post-renderer of Helm.

use std::path::Path;

use super::checker::Checker;
use super::report;
use crate::failure::Failure;
use crate::select::files::read_file;
use crate::terminal;
use envcrypt_core::manifest::FileKind;

/// Helm 4 sets this for a plugin, and does not show what the plugin writes to standard error.
const HELM_PLUGIN: &str = "HELM_PLUGIN_NAME";

/// Checks standard input, then copies it to standard output unchanged.
pub fn run(mut checker: Checker) -> Result<(), Failure> {
    let stdin = Path::new("-");
    let bytes = read_file(stdin)?;
    checker.examine(stdin, FileKind::Manifest, &bytes);
    checker.known.tell();
    if checker.findings.is_empty() {
        return Ok(terminal::stdout(&bytes)?);
    }
    let text = report::text(&checker.findings);
    terminal::stderr_line(&text);
    if std::env::var_os(HELM_PLUGIN).is_some() && !terminal::stderr_is_terminal() {
        terminal::tty_line(&text);
    }
    Err(report::failure(&checker.findings, 1))
}
