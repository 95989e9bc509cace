//! The list of trusted KEKs: what is read is what is written, and no scope holds where its text
//! does not say so.

#![no_main]

use std::sync::LazyLock;

use envcrypt_core::access::{Grant, Pattern, Scope, Trust, TrustError, Use};
use envcrypt_core::secret::Place;
use libfuzzer_sys::fuzz_target;

static PLACES: LazyLock<[Place; 3]> = LazyLock::new(|| {
    [("prod", "db"), ("prod-eu", "db-1"), ("a", "a.b")].map(|(namespace, name)| Place {
        namespace: namespace.parse().expect("a namespace"),
        name: name.parse().expect("a name"),
    })
});

fuzz_target!(|text: &str| {
    for line in text.split('\n') {
        scope(line);
        line.split([' ', '/']).for_each(|word| {
            scope(word);
            if let Ok(pattern) = word.parse::<Pattern>() {
                assert_eq!(pattern.as_str(), word);
                assert_eq!(pattern.to_string(), word);
            }
        });
    }
    let Some(grants) = read(text) else { return };
    for grant in &grants {
        let holds = PLACES.iter().any(|place| grant.scope.holds_at(place));
        for wanted in [Use::Open, Use::Seal] {
            let allows = |place: &Place| grant.allows(wanted, grant.kek.uri(), place);
            let expected = grant.uses.allow(wanted) && holds;
            assert_eq!(PLACES.iter().any(allows), expected, "{grant}");
        }
    }
    let lines: Vec<_> = grants.iter().map(|grant| format!("{grant}\n")).collect();
    let again = read(&lines.concat()).expect("what was read can be written and read");
    assert_eq!(again, grants);
});

fn read(text: &str) -> Option<Vec<Grant>> {
    match Trust::parse(text, "trusted-keks".into()) {
        Ok(trust) => Some(trust.grants().cloned().collect()),
        Err(TrustError::Line { line, .. }) => {
            assert!((1..=text.lines().count()).contains(&line));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn scope(text: &str) {
    let Ok(scope) = text.parse::<Scope>() else { return };
    assert_eq!(scope.to_string(), text);
    assert!(!text.contains(char::is_whitespace) && !text.contains(char::is_control), "{text:?}");
    for place in &*PLACES {
        // Without the characters of patterns, a scope is the name of one place.
        if !text.contains(['*', '?', '[', ']', '{', '}', '!', '\\']) {
            let is_named = text == place.namespace.as_str() || text == place.to_string();
            assert_eq!(scope.holds_at(place), is_named, "{text} at {place}");
        }
    }
}
