//! The states of the values, and how they are printed.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::compare::Same;
use super::ledger::{Digest, Item, Ledger, Source, Spot};
use super::shown;
use crate::git::Commit;
use crate::history::{History, Story};
use crate::scan::{self, Place};
use crate::terminal;
use envcrypt_core::manifest::Position;

/// What the holder of the KEK has of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Open,
    Known,
    SameValue,
    Elsewhere,
    Replaced,
    Gone,
}

/// Every state, and its description.
const STATES: [(&str, &str); 6] = [
    ("open", "A value that the KEK opens"),
    ("known", "A value whose data key the KEK had"),
    ("same-value", "A value that was sealed again, but did not change"),
    ("elsewhere", "A value that another branch, tag, work tree or index has"),
    ("replaced", "A value that was sealed again under a data key that the KEK never had"),
    ("gone", "A value that is only in the history"),
];

impl State {
    fn name(self) -> &'static str {
        STATES[self as usize].0
    }

    pub fn needs_a_new_value(self) -> bool {
        matches!(self, Self::Open | Self::Known | Self::SameValue | Self::Elsewhere)
    }
}

/// One value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    item: Item,
    pub state: State,
    source: Option<Source>,
    line: usize,
    since: Option<Written>,
    last: Option<Written>,
    /// What has it now, if it is not in this work tree.
    of: Option<String>,
}

/// A commit, for people.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    date: String,
    id: String,
    author: String,
}

impl From<Commit> for Written {
    fn from(commit: Commit) -> Self {
        let Commit { id, date, author } = commit;
        Self { date, id: id.to_string(), author }
    }
}

impl Written {
    fn day(&self) -> &str {
        self.date.get(..10).unwrap_or(&self.date)
    }

    fn short(&self) -> &str {
        self.id.get(..7).unwrap_or(&self.id)
    }

    fn json(&self) -> Value {
        json!({ "commit": self.id, "date": self.date, "author": self.author })
    }
}

/// The state of each value of now, and of each that is only in the history, in order.
pub fn rows(ledger: &Ledger, history: Option<&History<'_>>, same: &Same) -> Vec<Row> {
    let exposed = ledger.exposed();
    let story = |spots: &[Spot]| history?.story(spots.iter().map(|spot| spot.file));
    let of_item = |item: &Item| {
        let values = exposed.get(item)?;
        let spots: Vec<Spot> = values.iter().flat_map(|(_, spots)| *spots).copied().collect();
        Some((story(&spots)?, spots))
    };
    let exposures = ledger.exposures();
    let mut firsts: HashMap<u32, Option<Commit>> = HashMap::new();
    let mut rows = Vec::new();
    let mut items = BTreeSet::new();
    for (index, current) in ledger.current.iter().enumerate() {
        items.insert(&current.item);
        let (state, first) = match same.items.get(&index) {
            _ if ledger.is_exposed(current) => {
                let state = if current.is_open { State::Open } else { State::Known };
                let dek = ledger.root(current.dek);
                let first = firsts.entry(dek).or_insert_with(|| story(exposures.get(&dek)?)?.first);
                (state, first.clone())
            }
            Some(item) => (State::SameValue, of_item(item).and_then(|(story, _)| story.first)),
            None => match of_item(&current.item) {
                Some((story, _)) => (State::Replaced, story.first),
                None => continue,
            },
        };
        rows.push(Row {
            item: current.item.clone(),
            state,
            source: Some(current.source.clone()),
            line: current.line,
            since: first.map(Written::from),
            last: None,
            of: None,
        });
    }
    let now: BTreeSet<Digest> = ledger.current.iter().map(|current| current.digest).collect();
    for (item, values) in &exposed {
        let elsewhere = values.iter().filter(|(digest, _)| !now.contains(digest));
        let elsewhere = elsewhere.flat_map(|(_, spots)| *spots).copied();
        let elsewhere: Vec<Spot> = elsewhere
            .filter(|spot| history.is_some_and(|history| history.is_now(spot.file)))
            .collect();
        let found = match elsewhere.is_empty() {
            false => story(&elsewhere).map(|story| (story, elsewhere)),
            true if items.contains(item) => None,
            true => of_item(item),
        };
        let Some((Story { first, last, is_removed, path, file, of }, spots)) = found else {
            continue;
        };
        rows.push(Row {
            item: (*item).clone(),
            state: if of.is_some() { State::Elsewhere } else { State::Gone },
            last: last.filter(|_| is_removed && of.is_none()).map(Written::from),
            of,
            source: (path != Path::new("")).then_some(Source::File(path)),
            line: spots[file].line as usize,
            since: first.map(Written::from),
        });
    }
    rows.sort();
    rows.dedup();
    rows
}

/// One line for each value.
pub fn text(rows: &[Row]) -> String {
    let place = |row: &Row| format!("{} {}", row.item.place, row.item.key);
    let width = rows.iter().map(|row| place(row).chars().count()).max().unwrap_or(0);
    let line = |row: &Row| {
        let mut line = format!("{:width$}  {:10}", place(row), row.state.name());
        if let Some(since) = &row.since {
            line += &format!("  since {} ({}, {})", since.day(), since.short(), since.author);
        }
        if let Some(last) = &row.last {
            line += &format!("  until {} ({}, {})", last.day(), last.short(), last.author);
        }
        if let Some(of) = &row.of {
            line += &format!("  on {of}");
        }
        match &row.source {
            Some(Source::File(path)) => line += &format!("  {}:{}", shown(path), row.line),
            Some(Source::Cluster(namespace, name)) => {
                line += &format!("  {name} in the namespace {namespace} of the cluster");
            }
            None => {}
        }
        terminal::visible(line.trim_end()).into_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// One JSON object with all values.
pub fn json(rows: &[Row], incomplete: &[String]) -> String {
    let value = |row: &Row| {
        let (namespace, name) = row.item.place.split_once('/').unwrap_or_default();
        let mut value = json!({
            "namespace": namespace,
            "name": name,
            "key": row.item.key,
            "state": row.state.name(),
            "since": row.since.as_ref().map(Written::json),
            "last": row.last.as_ref().map(Written::json),
            "on": row.of,
        });
        match &row.source {
            Some(Source::File(path)) => {
                value["path"] = shown(path).into();
                value["line"] = row.line.into();
            }
            Some(Source::Cluster(namespace, name)) => {
                value["cluster"] = format!("{namespace}/{name}").into();
            }
            None => {}
        }
        value
    };
    let values: Vec<Value> = rows.iter().map(value).collect();
    scan::pretty(&json!({ "values": values, "incomplete": incomplete }))
}

/// SARIF 2.1.0, with the values that need a new value.
pub fn sarif(rows: &[Row]) -> String {
    let result = |row: &Row| {
        let path = match &row.source {
            Some(Source::File(path)) => path.strip_prefix("./").unwrap_or(path).to_owned(),
            Some(Source::Cluster(namespace, name)) => format!("cluster/{namespace}/{name}").into(),
            None => PathBuf::new(),
        };
        let text = format!(
            "the value of `{}` of `{}` needs a new value at its source: {}",
            row.item.key,
            row.item.place,
            STATES[row.state as usize].1.to_lowercase(),
        );
        (path, Position { line: row.line, column: 1 }, row.state.name(), text)
    };
    let results: Vec<_> =
        rows.iter().filter(|row| row.state.needs_a_new_value()).map(result).collect();
    let places = results.iter().map(|(path, at, id, text)| Place { path, at: *at, id, text });
    scan::sarif(&STATES, places)
}
