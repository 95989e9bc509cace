//! The objects of one namespace: what they were before a command, what they are when it completes,
//! and whether what a disturbed run left is one of the two.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::home::Home;
use crate::servers::Stored;
use crate::tally::Tally;
use crate::tree::File;

/// What an object means, or why it does not open.
type Meaning = Result<String, String>;

/// How the meaning of an object starts whose values anyone can read.
const PLAIN: &str = "plain\n";
/// The suffix of the sealed copy of a Secret that is being replaced.
pub const ASIDE: &str = "-envcrypt-aside";

pub struct Live {
    /// What etcd had before.
    stored: Vec<Stored>,
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
    /// To open the same object twice takes time.
    known: RefCell<HashMap<String, Meaning>>,
}

impl Live {
    /// Before the command.
    pub fn read(home: &Home) -> Self {
        let mut live = Self {
            stored: home.cluster().stored(&home.namespace),
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            known: RefCell::default(),
        };
        live.before = live.must_open(home);
        live
    }

    /// After the command.
    pub fn read_after(&mut self, home: &Home) {
        self.after = self.must_open(home);
    }

    fn must_open(&self, home: &Home) -> BTreeMap<String, String> {
        let objects = self.objects(home).into_iter();
        objects.map(|(name, meaning)| (name, meaning.expect("it opens"))).collect()
    }

    /// Puts all objects back to what they were.
    pub fn reset(&self, home: &Home) {
        home.cluster().restore(&home.namespace, &self.stored);
        drop(home.cluster().proxy.take());
    }

    /// Each object is wholly old or wholly new, and no other one is there.
    pub fn check(&self, home: &Home, what: &str, tally: &mut Tally) {
        let now = self.objects(home);
        let both = self.before.keys().chain(self.after.keys());
        for name in both.collect::<std::collections::BTreeSet<_>>() {
            let is_one = |meaning: &String| {
                [self.before.get(name), self.after.get(name)].contains(&Some(meaning))
            };
            match (now.get(name), now.get(&format!("{name}{ASIDE}"))) {
                (Some(Ok(meaning)), _) if is_one(meaning) => {}
                (Some(Ok(_)), _) => tally.loss(&format!("{what}: {name} is neither old nor new")),
                (Some(Err(error)), _) => {
                    tally.loss(&format!("{what}: {name} does not open: {error}"));
                }
                (None, Some(Ok(meaning))) if is_one(meaning) => {}
                (None, _) if self.before.contains_key(name) && self.after.contains_key(name) => {
                    tally.loss(&format!("{what}: {name} is gone"));
                }
                (None, _) => {}
            }
        }
        for name in now.keys().filter(|name| !self.is_known(name)) {
            match name.strip_suffix(ASIDE).is_some_and(|name| self.is_known(name)) {
                true => tally.left_behind += 1,
                false => tally.loss(&format!("{what}: {name} was made too")),
            }
        }
        self.search(home, &now, what, tally);
    }

    fn is_known(&self, name: &str) -> bool {
        self.before.contains_key(name) || self.after.contains_key(name)
    }

    /// Searches etcd and all requests for plaintext.
    fn search(&self, home: &Home, now: &BTreeMap<String, Meaning>, what: &str, tally: &mut Tally) {
        let is_plain = |meaning: &String| meaning.starts_with(PLAIN);
        let may_be_plain = |name: &str| {
            [&self.before, &self.after].iter().any(|all| all.get(name).is_some_and(is_plain))
        };
        for Stored { key, bytes } in home.cluster().stored(&home.namespace) {
            let name = name_of(&key);
            let is_plain = now.get(&name).is_some_and(|now| now.as_ref().is_ok_and(is_plain));
            if home.is_plain(&bytes) && !(is_plain && may_be_plain(&name)) {
                tally.found(&format!("{what}: in etcd, in {key}"));
            }
        }
        let was_sent = |request: &crate::api_proxy::Request| {
            home.is_plain(&request.body) || home.is_plain(request.path.as_bytes())
        };
        let all = self.before.keys().chain(self.after.keys());
        let may_be_sent = all.clone().any(|name| may_be_plain(name));
        if home.cluster().proxy.take().iter().any(was_sent) && !may_be_sent {
            tally.found(&format!("{what}: in a request"));
        }
    }

    /// The objects that are not as a complete command leaves them.
    pub fn not_new(&self, home: &Home) -> Vec<String> {
        let now = self.objects(home);
        let is_new =
            |name: &String| now.get(name).and_then(|now| now.as_ref().ok()) == self.after.get(name);
        let names = self.before.keys().chain(self.after.keys()).chain(now.keys());
        let mut names: Vec<_> = names.filter(|name| !is_new(name)).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// What all objects mean now, by kind and name.
    fn objects(&self, home: &Home) -> BTreeMap<String, Meaning> {
        let stored: HashMap<String, Stored> = home
            .cluster()
            .stored(&home.namespace)
            .into_iter()
            .map(|stored| (name_of(&stored.key), stored))
            .collect();
        let objects = home.cluster().objects(&home.namespace).into_iter();
        let with_meaning = |(name, object): (String, Value)| {
            let is_encrypted =
                stored.get(&name).is_some_and(|stored| stored.bytes.starts_with(b"k8s:enc:"));
            let meaning = self.meaning(home, &name, &object, is_encrypted);
            (name, meaning)
        };
        objects.map(with_meaning).collect()
    }

    fn meaning(&self, home: &Home, name: &str, object: &Value, is_encrypted: bool) -> Meaning {
        let (text, is_sealed) = manifest(name, object);
        if !is_sealed {
            return Ok(format!("{PLAIN}encrypted at rest: {is_encrypted}\n{text}"));
        }
        if let Some(known) = self.known.borrow().get(&text) {
            return known.clone();
        }
        let meaning = home.meaning_of(&File { bytes: text.clone().into_bytes(), mode: 0 });
        self.known.borrow_mut().insert(text, meaning.clone());
        meaning
    }
}

/// The kind and the name of an object, of its key in etcd.
fn name_of(key: &str) -> String {
    let mut parts = key.rsplit('/');
    let name = parts.next().unwrap_or_default();
    format!("{}/{name}", parts.nth(1).unwrap_or_default())
}

/// The manifest of an object without what the API server adds, and whether it is sealed.
fn manifest(name: &str, object: &Value) -> (String, bool) {
    let (kind, name) = name.split_once('/').expect("a kind");
    let (api_version, kind) = match kind {
        "envcryptsecrets" => ("envcrypt.dev/v1alpha1", "EnvcryptSecret"),
        "configmaps" => ("v1", "ConfigMap"),
        _ => ("v1", "Secret"),
    };
    let metadata = &object["metadata"];
    let without = |field: &str, names: &[&str]| {
        let all = metadata[field].as_object().into_iter().flatten();
        let kept = all.filter(|(name, _)| !names.contains(&name.as_str()));
        kept.map(|(name, text)| (name.clone(), text.clone())).collect::<serde_json::Map<_, _>>()
    };
    let mut manifest = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name.strip_suffix(ASIDE).unwrap_or(name),
            "namespace": metadata["namespace"],
            "labels": without("labels", &["envcrypt.dev/aside"]),
            "annotations":
                without("annotations", &["envcrypt.dev/aside-for", "envcrypt.dev/sealed-at"]),
        },
    });
    for field in ["type", "data", "immutable", "spec"] {
        if let Some(content) = object.get(field) {
            manifest[field] = content.clone();
        }
    }
    let is_sealed = kind == "EnvcryptSecret" || manifest["type"] == "envcrypt.dev/sealed";
    (serde_yaml::to_string(&manifest).expect("YAML"), is_sealed)
}
