//! What `signers trust` shows and accepts: a whole repository.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use super::anchor::{self, Pinned, State, Verdict};
use super::present::{self, Here};
use super::{changes, list};
use crate::config::RULES_FILE;
use crate::failure::Failure;
use crate::pins::{Pin, path_of};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::signature::{SECRET_NAMESPACE, Signers};

/// How all rules and lists of a repository differ from what is pinned.
pub struct Review {
    /// The changes, one line each.
    pub lines: Vec<String>,
    here: Here,
    /// The pin of a repository around this one.
    outer: Option<Pinned>,
    present: Pin,
    /// What changed, by directory. `None` if the rules are gone.
    rules: BTreeMap<String, Option<Vec<String>>>,
    /// What changed, by list.
    lists: BTreeMap<String, Option<String>>,
}

impl Review {
    /// Compares everything. Asks nobody, and accepts nothing.
    ///
    /// # Errors
    /// Fails if the rules that decide in this directory, or their lists, cannot be read.
    pub fn of(session: &Session, start: &Path) -> Result<Self, Failure> {
        let here = Here::of(session, start)?;
        let verdict = anchor::verdict(session, &here, start)?;
        let is_outer = |pinned: &Pinned| here.top.as_ref() != Some(&pinned.top);
        let (verdict, outer) = match verdict {
            Verdict::Changed(pinned, lines) if is_outer(&pinned) => {
                (State::Changed(lines), Some(pinned))
            }
            Verdict::Signed(pinned) if is_outer(&pinned) => {
                (Verdict::Signed(pinned.clone()).into(), Some(pinned))
            }
            verdict => (verdict.into(), None),
        };
        let mut review = Self {
            lines: Vec::new(),
            here,
            outer,
            present: Pin::default(),
            rules: BTreeMap::new(),
            lists: BTreeMap::new(),
        };
        if let Some(top) = review.here.top.clone() {
            review.compare(session, &top)?;
        }
        let first = match verdict {
            State::Free if review.lines.is_empty() => {
                vec!["no rule asks for signatures here".to_owned()]
            }
            State::Pinned if review.lines.is_empty() => vec!["nothing changed".to_owned()],
            State::New => vec!["new on this machine".to_owned()],
            State::Changed(lines) => lines,
            State::Free | State::Pinned => Vec::new(),
        };
        review.lines.retain(|line| !first.contains(line));
        review.lines.splice(0..0, first);
        Ok(review)
    }

    fn compare(&mut self, session: &Session, top: &Path) -> Result<(), Failure> {
        let pinned = session.pins.borrow_mut().of(top)?;
        let pinned = pinned.map(|pin| (*pin).clone()).unwrap_or_default();
        self.present = present::pin(session, &self.here, top)?;
        let unread = self.add_pinned(session, top, &pinned);
        for (directory, old) in &pinned.rules {
            // Where nothing was asked for, nothing can be lost.
            let is_gone = !self.present.rules.contains_key(directory) && !old.is_empty();
            if is_gone && !unread.contains(directory) {
                let file = rules_file(directory);
                self.lines.push(format!("`{file}` is gone"));
                self.lines.extend(changes::of_rules(&file, old, &[]));
                self.rules.insert(directory.clone(), None);
            }
        }
        for (directory, new) in &self.present.rules {
            let file = rules_file(directory);
            let old = pinned.rules.get(directory);
            if old.is_none() && new.is_empty() {
                self.lines.push(format!("`{file}` is new, and asks for no signatures"));
            }
            if old != Some(new) {
                let old = old.map(Vec::as_slice).unwrap_or_default();
                self.lines.extend(changes::of_rules(&file, old, new));
                self.rules.insert(directory.clone(), Some(new.clone()));
            }
        }
        self.compare_lists(&pinned, unread.is_empty());
        Ok(())
    }

    fn compare_lists(&mut self, pinned: &Pin, is_complete: bool) {
        for (list, old) in &pinned.lists {
            if is_complete && !self.present.lists.contains_key(list) {
                self.lines.extend(changes::of_texts(list, Some(old), None));
                self.lists.insert(list.clone(), None);
            }
        }
        for (list, new) in &self.present.lists {
            let old = pinned.lists.get(list).map(String::as_str);
            let lines = changes::of_texts(list, old, Some(new));
            if !lines.is_empty() {
                self.lines.extend(lines);
                self.lists.insert(list.clone(), Some(new.clone()));
            }
        }
    }

    /// Adds the directories that are pinned, and that Git does not track. Returns those that
    /// cannot be read: their pins stay.
    fn add_pinned(&mut self, session: &Session, top: &Path, pinned: &Pin) -> Vec<String> {
        let mut unread = Vec::new();
        for directory in pinned.rules.keys() {
            let path = path_of(top, directory);
            let is_there = path.join(RULES_FILE).symlink_metadata().is_ok();
            if self.present.rules.contains_key(directory) || !is_there {
                continue;
            }
            let there = Here::of(session, &path);
            match there.and_then(|there| present::pin(session, &there, top)) {
                Ok(more) => self.present.add_new(more),
                Err(error) => {
                    let file = rules_file(directory);
                    let line =
                        format!("`{file}` cannot be read, so what is known of it stays: {error}");
                    self.lines.push(terminal::visible(&line).into_owned());
                    unread.push(directory.clone());
                }
            }
        }
        unread
    }

    /// Pins what the lines say, and nothing else.
    ///
    /// # Errors
    /// Fails if the pins cannot be read or written.
    pub fn accept(self, session: &Session) -> Result<(), Failure> {
        if let Some(pinned) = &self.outer {
            anchor::accept(session, &self.here, pinned)?;
        }
        let Some(top) = &self.here.top else { return Ok(()) };
        let mut pins = session.pins.borrow_mut();
        pins.forget_gone(&self.present)?;
        let lasts = pins.change(top, |pin| {
            pin.recognize_by(&self.present);
            for (directory, rules) in &self.rules {
                match rules {
                    Some(rules) => pin.rules.insert(directory.clone(), rules.clone()),
                    None => pin.rules.remove(directory),
                };
            }
            for (list, text) in &self.lists {
                pin.replace(list, text.clone());
            }
        })?;
        anchor::warn_unless(lasts);
        Ok(())
    }
}

/// The rules of a directory, as people see it from the top.
fn rules_file(directory: &str) -> String {
    match directory {
        "" => RULES_FILE.to_owned(),
        directory => format!("{directory}/{RULES_FILE}"),
    }
}

/// Warns if a rule asks for more signatures than the list has people who may sign now.
pub fn warn_of_few(name: &str, needed: NonZeroUsize, signers: &Signers) {
    let count = signers.people(SECRET_NAMESPACE, now()).len();
    if count < needed.get() {
        terminal::warn(&format!(
            "a rule asks for {needed} signatures, but {count} on `{name}` may sign now: add people, or lower `signatures`"
        ));
    }
}

/// Warns of the rules that decide in a directory.
///
/// # Errors
/// Fails if a list cannot be read.
pub fn warn_here(session: &Session, start: &Path) -> Result<(), Failure> {
    let here = Here::of(session, start)?;
    for rule in here.rules.iter().flat_map(|rules| rules.lists()) {
        let (_, signers) = list(session, rule)?;
        warn_of_few(&rule.name, rule.needed, &signers);
    }
    Ok(())
}
