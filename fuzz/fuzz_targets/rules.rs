//! `.envcrypt.yaml` and the settings: what is accepted means the same in another form of YAML, no
//! error quotes the file, and a cluster that is added changes nothing else.

#![no_main]
// A target uses a part of each file.
#![allow(dead_code, unused_imports, unexpected_cfgs)]

// The files below take this from another crate, which would bring a client of clusters.
extern crate self as envcrypt_cluster;

#[path = "../../src"]
mod plugin {
    pub mod config;
    pub mod guard {
        pub mod edit;
    }
}
#[path = "../../crates/cluster/src/server.rs"]
mod server;
#[path = "../shared/yaml.rs"]
mod yaml;

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
pub use plugin::config;
use plugin::config::{ClusterText, ConfigError, RuleInput, Rules, Settings, Unknown};
use plugin::guard::edit::{self, Where};
use url::Url;

pub use server::{ClusterIdentity, normal_server};

const DIRECTORY: &str = "/repo";
const FILE: &str = "/repo/.envcrypt.yaml";
/// A word of the dictionary. No message has it.
const SECRET: &str = "hunter2";

fuzz_target!(|text: &str| {
    let rules = rules(text);
    match &rules {
        Ok(rules) => {
            decides(rules);
            same_in_another_form(text, rules);
        }
        Err(error) => shows_nothing(error),
    }
    let settings = Settings::parse(FILE.into(), text);
    match &settings {
        Ok(settings) => decides(&settings.rules),
        Err(error) => shows_nothing(error),
    }
    for to in [Where::End, Where::Before(0), Where::Entry(0), Where::Entry(1)] {
        adds(text, to, rules.as_ref().ok());
    }
    servers(text);
});

fn rules(text: &str) -> Result<Rules, ConfigError> {
    Rules::with_guards(FILE.into(), text, Path::new(DIRECTORY))
}

fn shows_nothing(error: &ConfigError) {
    let text = error.to_string();
    assert!(!text.contains(SECRET), "{text}");
    assert!(!text.contains(char::is_control) && text.len() < 400, "{text}");
}

/// The rule that decides is the first of those that can.
fn decides(rules: &Rules) {
    for namespace in ["prod", "dev-1"] {
        for context in [None, Some("kind")] {
            for path in [None, Some(Path::new("/repo/deploy/prod/db.yaml"))] {
                let input = RuleInput { namespace, context, path };
                let found = rules.find(input);
                let sure = rules.first_matches(input, Unknown::NOTHING);
                assert_eq!(sure.is_certain, found.is_some());
                let file = |rule: &std::rc::Rc<config::Rule>| std::rc::Rc::as_ptr(rule);
                assert_eq!(sure.rules.last().map(file), found.as_ref().map(file));
                let all = rules.first_matches(input, Unknown { context: true, path: true });
                let found = found.as_ref().map(file);
                assert!(found.is_none() || all.rules.iter().any(|rule| Some(file(rule)) == found));
                assert!(found.is_none_or(|_| all.rules.iter().all(|rule| !rule.keks.is_empty())));
                if let Some(guard) = rules.guard(input) {
                    assert!(guard.number >= 1 && !guard.wanted().is_empty());
                }
            }
        }
    }
    for list in rules.lists() {
        assert!(!list.name.is_empty() && list.needed.get() <= config::MAX_SIGNATURES);
    }
    for line in rules.on_signatures() {
        assert!(!line.contains('\n') && serde_json::from_str::<serde_json::Value>(&line).is_ok());
    }
}

/// Without anchors, comments and quotes, they are the same rules.
fn same_in_another_form(text: &str, rules: &Rules) {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some((value, other)) = yaml::in_another_form(body) else { return };
    // A file without content has no rules. Written out, it would have a content.
    if !value.is_mapping() {
        return;
    }
    let again = self::rules(&other).unwrap_or_else(|error| panic!("{error}: {other}"));
    assert_eq!(format!("{again:?}"), format!("{rules:?}"));
}

fn adds(text: &str, to: Where, before: Option<&Rules>) {
    let new = ClusterText {
        server: Some("https://it's.example".to_owned()),
        context: Some("#1: [x]".to_owned()),
        ca: None,
    };
    let Some(changed) = edit::add(text, "p/**", std::slice::from_ref(&new), to) else { return };
    // All that was there is still there, in one piece before the addition and one after it.
    let (old, all) = (text.as_bytes(), changed.as_bytes());
    let size = all.len() - old.len();
    let same = old.iter().zip(all).take_while(|(one, other)| one == other).count();
    let back = old.iter().rev().zip(all.iter().rev()).take_while(|(a, b)| a == b).count();
    assert!(size > 0 && same + back >= old.len(), "another line changed: {changed}");
    let Some(before) = before else { return };
    let after = rules(&changed).unwrap_or_else(|error| panic!("{error}: {changed}"));
    let expected = before.guards.len() + usize::from(!matches!(to, Where::Entry(_)));
    assert_eq!(after.guards.len(), expected, "{changed}");
    assert!(after.guards.iter().any(|guard| guard.has(&new)), "{changed}");
    assert_eq!(format!("{:?}", after.find(anything())), format!("{:?}", before.find(anything())));
}

fn anything() -> RuleInput<'static> {
    RuleInput { namespace: "prod", context: None, path: None }
}

/// A URL has one normal form, without a password.
fn servers(text: &str) {
    let is_url = |line: &&str| {
        line.bytes().all(|b| b.is_ascii_graphic())
            && Url::parse(line).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    // A name with two dots in a row is a URL, but no host.
    for line in text.lines().filter(is_url).filter(|line| !line.contains("..")) {
        let once = normal_server(line);
        // A host of one dot is none.
        if is_url(&&*once) {
            assert_eq!(normal_server(&once), once, "of {line:?}");
        }
    }
}
