//! This machine: settings, KEKs, programs, and what the shell remembers.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use etcetera::home_dir;

use super::finding::{Findings, Grade};
use crate::access::round_trip::round_trip;
use crate::failure::Failure;
use crate::process;
use crate::session::Session;
#[cfg(feature = "age")]
use crate::session::local;
use crate::session::local::MakeLocal;
#[cfg(feature = "age")]
use envcrypt_core::kek::KekUri;

const SUBJECT: &str = "this machine";

/// The files in which shells keep what was typed, in the home directory.
const HISTORIES: [&str; 4] =
    [".bash_history", ".zsh_history", ".local/share/fish/fish_history", ".zhistory"];

pub async fn check(session: &Session, findings: &mut Findings) -> Result<(), Failure> {
    programs(findings);
    histories(findings);
    let names = match session.settings() {
        Ok(settings) => &settings.keks,
        Err(failure) => {
            findings.unknown_because(SUBJECT, "your settings", &failure);
            return Ok(());
        }
    };
    if names.is_empty() {
        findings.ok(SUBJECT, "your settings name no KEK: each command takes `--kek`");
    }
    let keks = session.keks(names, MakeLocal::No)?;
    #[cfg(feature = "age")]
    plugins(session, &keks, findings)?;
    for kek in keks {
        let began = Instant::now();
        match round_trip(session, &kek).await {
            Ok(_) => {
                findings.ok(SUBJECT, format!("`{kek}` works ({} ms)", began.elapsed().as_millis()));
            }
            Err(failure) => {
                let report = failure.report().unwrap_or_default();
                let hint = report.hints.into_iter().next();
                let hint =
                    hint.unwrap_or_else(|| format!("run `kubectl envcrypt kek test '{kek}'`"));
                findings.add(Grade::Proven, SUBJECT, report.error, hint);
            }
        }
    }
    Ok(())
}

/// The plugins of age that the person's identities and KEKs need.
#[cfg(feature = "age")]
fn plugins(session: &Session, keks: &[KekUri], findings: &mut Findings) -> Result<(), Failure> {
    for local::Plugin { program, needed_by, found } in local::plugins(session, keks)? {
        match found {
            Ok(path) => findings.ok(SUBJECT, format!("`{program}` is `{}`", path.display())),
            Err(hint) => {
                let text = format!("`{program}` is not on the PATH, and {needed_by} needs it");
                findings.add(Grade::Proven, SUBJECT, text, hint);
            }
        }
    }
    Ok(())
}

fn programs(findings: &mut Findings) {
    for (program, hint) in [
        ("kubectl-envcrypt", "put it on the PATH as `kubectl-envcrypt`, so that kubectl finds it"),
        (
            "kubectl_complete-envcrypt",
            "run `kubectl envcrypt completion kubectl`, and put the result on the PATH",
        ),
    ] {
        match process::find(Path::new(program)) {
            Some(path) => findings.ok(SUBJECT, format!("`{program}` is `{}`", path.display())),
            None => findings.note(SUBJECT, format!("`{program}` is not on the PATH"), hint),
        }
    }
}

/// Counts the lines of shell histories that hold a value. Never shows one.
fn histories(findings: &mut Findings) {
    let Ok(home) = home_dir() else { return };
    for path in HISTORIES.iter().map(|name| home.join(name)).filter(|path| path.exists()) {
        match lines_with_values(&path) {
            Ok(0) => findings.ok(SUBJECT, format!("`{}` holds no value of a Secret", path.display())),
            Ok(count) => findings.add(
                Grade::Proven,
                SUBJECT,
                format!("`{}` has commands with values of Secrets: {count}", path.display()),
                "change those values, remove the lines, and type values at the prompt of `kubectl envcrypt create`",
            ),
            Err(error) => findings.add(
                Grade::Unknown,
                SUBJECT,
                format!("`{}` cannot be read: {error}", path.display()),
                "run the command as the user whose file it is",
            ),
        }
    }
}

fn lines_with_values(path: &PathBuf) -> std::io::Result<usize> {
    let mut count = 0;
    for line in BufReader::new(std::fs::File::open(path)?).split(b'\n') {
        let line = line?;
        let has = |word: &[u8]| memchr::memmem::find(&line, word).is_some();
        let is_create =
            has(b"create secret") && (has(b"--from-literal") || has(b"--docker-password="));
        count += usize::from(is_create || (has(b"envcrypt") && has(b"--from-literal")));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_with_values_count() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("history");
        let text = "kubectl create secret generic db --from-literal=a=b\nls\nkubectl get secret\n\
                    kubectl create secret generic db --from-file=a\nkubectl envcrypt create db a\n\
                    kubectl create secret docker-registry r --docker-password=x\n";
        std::fs::write(&path, text).expect("written");
        assert_eq!(lines_with_values(&path).expect("read"), 2);
    }
}
