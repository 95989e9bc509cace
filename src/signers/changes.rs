//! What changed, in words.

use std::collections::BTreeSet;

use crate::terminal;
use envcrypt_core::signature::{Signer, Signers, time_text};

/// A line of a list, in words.
#[must_use]
pub fn describe(signer: &Signer) -> String {
    let mut text =
        format!("{} {} {}", signer.principal, signer.key.kind(), signer.key.fingerprint());
    let time = |seconds| time_text(seconds).unwrap_or_default();
    if let Some(after) = signer.valid_after {
        text += &format!(", from {}", time(after));
    }
    if let Some(before) = signer.valid_before {
        text += &format!(", until {}", time(before));
    }
    if let Some(names) = &signer.namespaces {
        text += &format!(", for {}", names.join(" and "));
    }
    text
}

/// How two lists differ: one line for each signer. Empty if they say [the same](is_same).
pub fn of_lists(file: &str, old: &Signers, new: &Signers) -> Vec<String> {
    let lines = |signers: &Signers| -> BTreeSet<String> {
        let stolen = signers.stolen().iter().map(|print| format!("stolen key {print}"));
        signers.list().iter().map(describe).chain(stolen).collect()
    };
    let mut changes = of_lines(old, new, lines, file);
    if old.id() != new.id() {
        changes.push(format!("`{file}`: its ID was {}, and is {}", id(old), id(new)));
    }
    if changes.is_empty() && !is_same(old, new) {
        changes.push(format!("`{file}`: the lines have another order"));
    }
    changes
}

fn id(signers: &Signers) -> &str {
    signers.id().unwrap_or("none")
}

/// How the text of a list differs from the pinned one. `None` if there is none.
pub fn of_texts(file: &str, old: Option<&str>, new: Option<&str>) -> Vec<String> {
    let read = |text: Option<&str>| text.and_then(|text| Signers::parse(text).ok());
    let (known, present) = (read(old).unwrap_or_default(), read(new).unwrap_or_default());
    let mut changes = of_lists(file, &known, &present);
    let serial = |list: &Signers| list.serial().map_or("none".to_owned(), |n| n.to_string());
    if known.serial() != present.serial() && old.is_some() && new.is_some() {
        let (old, new) = (serial(&known), serial(&present));
        changes.push(format!("`{file}`: its serial was {old}, and is {new}"));
    }
    if new.is_none() {
        changes.insert(0, format!("`{file}`: no rule names this list any more"));
    }
    changes
}

/// How the rules of a directory differ.
pub fn of_rules(file: &str, old: &[String], new: &[String]) -> Vec<String> {
    let mut changes = of_lines(old, new, |lines| lines.iter().cloned().collect(), file);
    if changes.is_empty() && old != new {
        changes.push(format!("`{file}`: the rules have another order"));
    }
    changes
}

fn of_lines<T: ?Sized>(
    old: &T,
    new: &T,
    lines: impl Fn(&T) -> BTreeSet<String>,
    file: &str,
) -> Vec<String> {
    let (old, new) = (lines(old), lines(new));
    let removed = old.difference(&new).map(|line| format!("`{file}`: removed: {line}"));
    let added = new.difference(&old).map(|line| format!("`{file}`: added: {line}"));
    removed.chain(added).map(|line| terminal::visible(&line).into_owned()).collect()
}

/// Whether two lists say the same, and are versions of one list.
pub fn is_same(old: &Signers, new: &Signers) -> bool {
    old.list() == new.list() && old.stolen() == new.stolen() && old.id() == new.id()
}

/// The names in a list, each once.
pub fn names(signers: &Signers) -> String {
    let names: BTreeSet<&str> = signers.list().iter().map(|s| s.principal.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
