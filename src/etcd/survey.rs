//! Every object of some resources, and whether it is stored as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use envcrypt_at_rest::stored::{EtcdKey, Stored};
use envcrypt_core::seed::key_id_hash;
use serde::Serialize;

use super::form::{Expected, Form, Forms, Ours};
use super::source::{Row, Source, SourceError};

/// What etcd holds.
#[derive(Default)]
pub struct Survey {
    /// In the order of the resources.
    pub classes: Vec<Class>,
    /// In the order of etcd.
    pub wrong: Vec<Wrong>,
    /// The resources of which etcd holds no object.
    pub empty: Vec<String>,
}

/// The objects of one resource that are stored in the same way.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    pub resource: String,
    pub count: usize,
    #[serde(serialize_with = "shown")]
    pub form: Form,
    /// How many seeds of kube-apiserver there are. Each costs a call to the plugin.
    seeds: usize,
    #[serde(skip)]
    ours: Option<Ours>,
}

/// An object that is not stored as it should be.
#[derive(Serialize)]
pub struct Wrong {
    pub name: String,
    /// `plain`, `stale`, `incomplete` or `unknown`.
    pub problem: &'static str,
    #[serde(serialize_with = "shown")]
    pub form: Form,
}

fn shown<S: serde::Serializer>(form: &Form, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(form)
}

/// The objects of one class.
#[derive(Default)]
struct Members {
    count: usize,
    seeds: BTreeSet<u64>,
    ours: Option<Ours>,
}

/// What is kept of a value.
struct Digest {
    form: usize,
    /// A hash of the wrapped seed, or 0.
    seed: u64,
}

impl Survey {
    pub async fn of(
        source: &Source,
        prefix: &str,
        resources: &[String],
        expected: Option<&Expected>,
    ) -> Result<Self, SourceError> {
        let mut survey = Self::default();
        for resource in resources {
            let (mut forms, mut rows) = (Forms::default(), BTreeMap::new());
            for start in starts(prefix, resource) {
                rows.extend(source.rows(&start, |_, value| digest(value, &mut forms)).await?);
            }
            if rows.is_empty() {
                survey.empty.push(resource.clone());
            }
            survey.add(prefix, &rows, &forms.list(), expected);
        }
        Ok(survey)
    }

    fn add(
        &mut self,
        prefix: &str,
        rows: &BTreeMap<Vec<u8>, Row<Digest>>,
        forms: &[(Form, Option<Ours>)],
        expected: Option<&Expected>,
    ) {
        let newest = newest(prefix, rows);
        let mut classes: BTreeMap<(String, &Form), Members> = BTreeMap::new();
        for (key, row) in rows {
            let resource = resource(prefix, key);
            let (form, is_newest) =
                (&forms[row.digest.form].0, newest[&resource] == row.digest.form);
            // kube-apiserver writes the newest object as it is told now.
            let is_expected = is_newest && expected.is_none_or(|expected| expected.is(form));
            if let Some(problem) = form.problem(is_expected) {
                self.wrong.push(Wrong { name: name(prefix, key), problem, form: form.clone() });
            }
            let members = classes.entry((resource, form)).or_default();
            members.count += 1;
            members.seeds.insert(row.digest.seed);
            members.ours.clone_from(&forms[row.digest.form].1);
        }
        self.classes.extend(classes.into_iter().map(|((resource, form), members)| {
            let Members { count, seeds, ours } = members;
            Class { resource, count, form: form.clone(), seeds: seeds.len(), ours }
        }));
    }

    /// The key ids of KMS v2 providers, in the form in which kube-apiserver reports them.
    pub fn key_ids(&self) -> BTreeSet<String> {
        let of = |class: &Class| match &class.form {
            Form::KmsV2 { key_id, .. } => Some(key_id_hash(key_id)),
            _ => None,
        };
        self.classes.iter().filter_map(of).collect()
    }

    pub fn plain(&self) -> usize {
        self.wrong.iter().filter(|wrong| wrong.form.is_plain()).count()
    }

    pub fn stale(&self) -> usize {
        self.wrong.len() - self.plain()
    }
}

impl Class {
    /// What else is known, for the table.
    pub fn more(&self) -> String {
        let mut more = match (&self.form, self.seeds) {
            (Form::KmsV2 { .. }, 1) => ", 1 seed".to_owned(),
            (Form::KmsV2 { .. }, seeds) => format!(", {seeds} seeds"),
            _ => String::new(),
        };
        if let Some(Ours { cluster, keks }) = &self.ours {
            more.push_str(&format!(", cluster `{cluster}`, KEK versions {}", keks.join(" ")));
        }
        more
    }
}

fn digest(value: &[u8], forms: &mut Forms) -> Digest {
    let stored = Stored::classify(value);
    let seed = match &stored {
        Stored::KmsV2 { object, .. } => {
            let mut hash = DefaultHasher::new();
            object.encrypted_dek_source.hash(&mut hash);
            hash.finish()
        }
        _ => 0,
    };
    Digest { form: forms.number(&stored), seed }
}

/// The form of the object that was written last, by resource: kube-apiserver writes it so now.
fn newest(prefix: &str, rows: &BTreeMap<Vec<u8>, Row<Digest>>) -> BTreeMap<String, usize> {
    let mut newest: BTreeMap<String, &Row<Digest>> = BTreeMap::new();
    for (key, row) in rows {
        let last = newest.entry(resource(prefix, key)).or_insert(row);
        if row.revision > last.revision {
            *last = row;
        }
    }
    newest.into_iter().map(|(resource, row)| (resource, row.digest.form)).collect()
}

/// What the keys of a resource start with: `secrets`, `widgets.example.com`, `*.*`.
///
/// The keys of a custom resource have its group, and those of Kubernetes' own resources mostly have
/// not. The name alone does not tell, so both are read where both are possible.
fn starts(prefix: &str, resource: &str) -> Vec<Vec<u8>> {
    let prefix = prefix.trim_end_matches('/');
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let plural = match (plural, group) {
        ("nodes", "") => "minions",
        ("replicationcontrollers", "") => "controllers",
        ("services", "") => "services/specs",
        ("endpoints", "") => "services/endpoints",
        ("ingresses", "networking.k8s.io") => "ingress",
        (plural, _) => plural,
    };
    let of_group = || format!("{prefix}/{group}/{plural}/");
    let starts = match (plural, group) {
        ("*", "*") => vec![format!("{prefix}/")],
        ("*", group) => vec![format!("{prefix}/{group}/")],
        (plural, group) if !group.contains('.') => vec![format!("{prefix}/{plural}/")],
        (plural, group) if group.ends_with(".k8s.io") => {
            vec![format!("{prefix}/{plural}/"), of_group()]
        }
        _ => vec![of_group()],
    };
    starts.into_iter().map(String::into_bytes).collect()
}

/// Whether the keys of etcd can tell the objects of this wildcard.
pub fn is_readable(resource: &str) -> bool {
    match resource.split_once('.') {
        Some(("*", "*")) => true,
        // `*.apps` and `*.` are spread over many keys that name no group.
        Some(("*", group)) => group.contains('.') && !group.ends_with(".k8s.io"),
        _ => true,
    }
}

fn resource(prefix: &str, key: &[u8]) -> String {
    EtcdKey::parse(prefix, key)
        .map_or_else(|| "other keys".to_owned(), |key| key.class().escape_debug().to_string())
}

fn name(prefix: &str, key: &[u8]) -> String {
    match EtcdKey::parse(prefix, key) {
        Some(key) => key.to_string().escape_debug().to_string(),
        None => key.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_resource_have_its_start() {
        for (resource, expected) in [
            ("secrets", &["/registry/secrets/"][..]),
            ("deployments.apps", &["/registry/deployments/"]),
            (
                "volumesnapshots.snapshot.storage.k8s.io",
                &[
                    "/registry/volumesnapshots/",
                    "/registry/snapshot.storage.k8s.io/volumesnapshots/",
                ],
            ),
            ("widgets.example.com", &["/registry/example.com/widgets/"]),
            ("*.example.com", &["/registry/example.com/"]),
            ("services", &["/registry/services/specs/"]),
            ("*.*", &["/registry/"]),
        ] {
            let starts = starts("/registry", resource);
            let starts: Vec<_> = starts.iter().map(|start| str::from_utf8(start)).collect();
            assert_eq!(starts, expected.iter().map(|e| Ok(*e)).collect::<Vec<_>>(), "{resource}");
        }
        assert_eq!(starts("/other/", "secrets"), [b"/other/secrets/".to_vec()]);
        for (resource, readable) in
            [("*.*", true), ("*.example.com", true), ("*.apps", false), ("*.", false)]
        {
            assert_eq!(is_readable(resource), readable, "{resource}");
        }
    }
}
