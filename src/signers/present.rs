//! What rules and lists say now.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::list;
use crate::config::{RULES_FILE, Rules, top_of};
use crate::failure::{Failure, SignersError};
use crate::git::Repository;
use crate::pins::{Pin, Pins, key};
use crate::session::Session;
use crate::terminal;

/// The rules that decide in a directory.
pub struct Here {
    pub rules: Option<Rc<Rules>>,
    /// The top of the Git repository, otherwise the directory of the rules.
    pub top: Option<PathBuf>,
    /// Whether there is a Git repository.
    pub is_git: bool,
}

impl Here {
    pub fn of(session: &Session, start: &Path) -> Result<Self, Failure> {
        let rules = session.rules_of(start)?;
        let git = top_of(start);
        let top = git.or(rules.as_ref().map(|rules| rules.root()));
        Ok(Self { top: top.map(Path::to_owned), is_git: git.is_some(), rules })
    }

    /// What the rules say about signatures.
    pub fn view(&self) -> Vec<String> {
        self.rules.as_ref().map(|rules| rules.on_signatures()).unwrap_or_default()
    }

    /// The directory of the rules.
    pub fn root(&self) -> Option<&Path> {
        self.rules.as_ref().map(|rules| rules.root())
    }
}

/// Everything about signatures in a repository, as it is now.
///
/// # Errors
/// Fails if a list of the rules that decide in this directory cannot be read, or names nobody.
pub fn pin(session: &Session, here: &Here, top: &Path) -> Result<Pin, Failure> {
    let mut pin = traces(here, top);
    let mut directories = BTreeSet::new();
    if here.is_git {
        directories.extend(directories_with_rules(top));
    }
    let decides = here.root().map(Path::to_owned);
    directories.extend(decides.clone());
    for directory in directories {
        let is_needed = Some(&directory) == decides.as_ref();
        match add(session, &mut pin, top, &directory) {
            // What cannot be read cannot be pinned. Whoever needs it gets the error then.
            Err(_) if !is_needed => {}
            added => added?,
        }
    }
    Ok(pin)
}

/// Adds the rules of one directory, and their lists.
fn add(session: &Session, pin: &mut Pin, top: &Path, directory: &Path) -> Result<(), Failure> {
    let Some(rules) = session.rules_of(directory)? else { return Ok(()) };
    if rules.root() != directory {
        return Ok(());
    }
    let mut lists = Vec::new();
    for rule in rules.lists() {
        let (text, signers) = list(session, rule)?;
        if signers.list().is_empty() {
            return Err(SignersError::Empty(rule.file.clone()).into());
        }
        lists.push((key(top, &rule.file), text.to_string()));
    }
    pin.lists.extend(lists);
    pin.rules.insert(key(top, directory), rules.on_signatures());
    Ok(())
}

/// The directories with rules that Git tracks, and the links to them: rules count for each path.
fn directories_with_rules(top: &Path) -> Vec<PathBuf> {
    let files = Repository::of(top).and_then(|git| git.output(&["ls-files", "-s", "-z"]));
    let Ok(files) = files else { return Vec::new() };
    let directory = |line: &[u8]| {
        // `MODE ID STAGE`, a tab, and the path.
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let path = top.join(OsStr::from_bytes(&line[tab + 1..]));
        if path.ends_with(RULES_FILE) {
            return path.parent().map(Path::to_owned);
        }
        (line.starts_with(b"120") && path.join(RULES_FILE).exists()).then_some(path)
    };
    files.split(|byte| *byte == 0).filter_map(directory).collect()
}

/// A pin with nothing but what shows which repository this is.
pub fn traces(here: &Here, top: &Path) -> Pin {
    let Some(git) = here.is_git.then(|| Repository::of(top).ok()).flatten() else {
        return Pin::default();
    };
    Pin { roots: roots(&git), ..places(&git) }
}

/// The directory of the repository, and where it came from.
fn places(git: &Repository) -> Pin {
    let text = |text: &[u8]| String::from_utf8_lossy(text.trim_ascii_end()).into_owned();
    let common = git.output(&["rev-parse", "--git-common-dir"]).map(|path| text(&path));
    let common = common.ok().and_then(|path| git.top().join(path).canonicalize().ok());
    let origin = git.output(&["config", "--get", "remote.origin.url"]).map(|url| text(&url));
    let origin = origin.unwrap_or_default();
    let origin = plain(&origin);
    Pin {
        git: common.map(|path| path.display().to_string()).unwrap_or_default(),
        origin,
        ..Pin::default()
    }
}

/// A URL without the user and the password in it.
fn plain(url: &str) -> String {
    let url = url.strip_prefix("file://").unwrap_or(url).trim_end_matches('/');
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The first commits of all branches. Empty if this copy does not have them.
fn roots(git: &Repository) -> BTreeSet<String> {
    if git.is_shallow().unwrap_or(true) {
        return BTreeSet::new();
    }
    let roots = git.output(&["rev-list", "--max-parents=0", "--all"]);
    let text = roots.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Pins what has become known of a repository since: its first commit, or where it is now. Its
/// history is not read again, which may take long: all of its worktrees share the directory.
pub fn refresh(pins: &mut Pins, here: &Here, top: &Path, pin: &Pin) -> Result<(), SignersError> {
    let Some(git) = here.is_git.then(|| Repository::of(top).ok()).flatten() else { return Ok(()) };
    let mut traces = places(&git);
    if pin.roots.is_empty() {
        traces.roots = roots(&git);
    }
    let mut new = pin.clone();
    new.recognize_by(&traces);
    if new != *pin {
        pins.change(top, |pin| pin.recognize_by(&traces))?;
    }
    Ok(())
}

/// Warns about a copy that may be of a repository that is pinned already.
pub fn warn_if_unknown(
    pins: &mut Pins,
    here: &Here,
    top: &Path,
    traces: &Pin,
) -> Result<(), SignersError> {
    let may_be_known = here.is_git && pins.of(top)?.is_none() && pins.is_any();
    if may_be_known && traces.roots.is_empty() {
        terminal::warn(
            "this copy of the repository has no first commit, so it may be one that you use elsewhere with other signers: run `git fetch --unshallow`, or compare the list of signers",
        );
    }
    Ok(())
}
