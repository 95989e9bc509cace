//! Reads a configuration from a tree, as strictly as kube-apiserver.

use std::collections::HashSet;
use std::rc::Rc;

use super::finding::{Finding, Findings, shown};
use super::scalar::Meaning;
use super::yaml::{self, Data, Entry, Node};
use super::{Block, Cipher, EncryptionConfiguration, Lined, Provider, key, kms};

/// The errors of kube-apiserver for some mistakes quote the file.
const LOGGED: &str = "kube-apiserver logs the keys of such a file: if it ran with it, use new keys";

/// A finding was reported, so the caller can report nothing better.
pub(super) struct Reported;

/// Reads a configuration. The result has everything that could be read.
pub(super) fn read(text: &str, findings: &mut Findings) -> Option<EncryptionConfiguration> {
    if text.is_empty() {
        findings.error(0, "syntax", yaml::EMPTY);
        return None;
    }
    let root = yaml::read(text, findings)?;
    let names = ["apiVersion", "kind", "resources"];
    let fields = Fields::read(&root, "the configuration", &names, findings).ok()?;
    kind(&fields, findings);
    let items = fields.list("resources", findings).ok()?;
    if items.is_empty() {
        findings.error(fields.line, "no-blocks", "`resources` must have at least one entry");
    }
    let mut blocks = Vec::with_capacity(items.len());
    for item in items {
        blocks.extend(block(item, findings).map(|value| Lined { line: item.line, value }));
    }
    Some(EncryptionConfiguration { blocks })
}

fn kind(fields: &Fields<'_>, findings: &mut Findings) {
    let texts = ["apiVersion", "kind"].map(|name| fields.text(name, findings));
    let [Ok(version), Ok(kind)] = texts else { return };
    match (version.value, kind.value) {
        ("apiserver.config.k8s.io/v1", "EncryptionConfiguration") => {}
        ("v1", "EncryptionConfig") => {
            let text = "kind `EncryptionConfig` of version `v1` is an old form";
            let hint = "use `EncryptionConfiguration` of `apiserver.config.k8s.io/v1`";
            findings.push(Finding::warning(kind.line, "old-kind", text).with_hint(hint));
        }
        ("", _) | (_, "") => {
            let text = "`apiVersion` or `kind` is missing";
            findings.push(Finding::error(fields.line, "kind", text).with_hint(LOGGED));
        }
        _ => {
            let text = "it must be an `EncryptionConfiguration` of `apiserver.config.k8s.io/v1`";
            findings.error(kind.line, "kind", text);
        }
    }
}

fn block(node: &Node, findings: &mut Findings) -> Option<Block> {
    let names = ["resources", "providers"];
    let fields = Fields::read(node, "an entry of `resources`", &names, findings).ok()?;
    let mut block = Block { resources: Vec::new(), providers: Vec::new() };
    if let Ok(items) = fields.list("resources", findings) {
        for item in items {
            block.resources.extend(text_of(item, "a resource", findings));
        }
        if items.is_empty() {
            findings.error(node.line, "no-resources", "the entry must have at least one resource");
        }
    }
    if let Ok(items) = fields.list("providers", findings) {
        for item in items {
            let provider = provider(item, findings);
            block.providers.extend(provider.map(|value| Lined { line: item.line, value }));
        }
        if items.is_empty() {
            findings.error(node.line, "no-providers", "the entry must have at least one provider");
        }
    }
    Some(block)
}

fn provider(node: &Node, findings: &mut Findings) -> Option<Provider> {
    let names = ["aesgcm", "aescbc", "secretbox", "identity", "kms"];
    let fields = Fields::read(node, "a provider", &names, findings).ok()?;
    let entries: Vec<_> = names.iter().filter_map(|name| fields.get(name)).collect();
    match entries[..] {
        [] => {
            let text = "the provider must have one of `kms`, `secretbox`, `aesgcm`, `aescbc` or \
                        `identity`";
            let finding = Finding::error(node.line, "provider-type", text);
            findings.push(finding.with_hint("for no encryption, write `identity: {}`"));
            None
        }
        [entry] => typed(entry, findings),
        _ => {
            let text = "the provider has more than one type";
            findings.push(Finding::error(node.line, "provider-type", text).with_hint(LOGGED));
            None
        }
    }
}

fn typed(entry: &Entry, findings: &mut Findings) -> Option<Provider> {
    let node = &entry.value;
    let cipher = match entry.name() {
        "identity" => {
            Fields::read(node, "`identity`", &[], findings).ok()?;
            return Some(Provider::Identity);
        }
        "kms" => return kms::read(node, findings).map(Provider::Kms),
        "secretbox" => Cipher::Secretbox,
        "aesgcm" => Cipher::AesGcm,
        _ => Cipher::AesCbc,
    };
    let fields = Fields::read(node, "the provider", &["keys"], findings).ok()?;
    let items = fields.list("keys", findings).ok()?;
    if items.is_empty() {
        let text = format!("`{}` must have at least one key", cipher.as_str());
        findings.error(node.line, "no-keys", text);
    }
    let keys = items.iter().filter_map(|item| {
        let key = key::read(item, cipher, findings)?;
        Some(Lined { line: item.line, value: key })
    });
    Some(Provider::Local { cipher, keys: keys.collect() })
}

/// The fields of a mapping.
pub(super) struct Fields<'n> {
    /// The line of the mapping.
    pub(super) line: usize,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// Reads the fields. Reports unknown and duplicate fields. Like in Go, a null has no fields.
    pub(super) fn read(
        node: &'n Node,
        what: &str,
        names: &[&str],
        findings: &mut Findings,
    ) -> Result<Self, Reported> {
        let entries = match &node.data {
            Data::Map(entries) => entries.as_slice(),
            _ if node.is_null() => &[],
            _ => {
                let text = format!("{what} must be a mapping, but it is {}", node.what());
                findings.error(node.line, "wrong-type", text);
                return Err(Reported);
            }
        };
        let mut seen = HashSet::new();
        for entry in entries {
            let name = shown(entry.name());
            if !names.contains(&entry.name()) {
                let text = format!("{what} has no field {name}");
                findings.error(entry.line(), "unknown-field", text);
            } else if !seen.insert(entry.name()) {
                let text = format!("the field {name} is already defined");
                findings.error(entry.line(), "duplicate-field", text);
            }
        }
        Ok(Self { line: node.line, entries })
    }

    /// Returns a field that is not null.
    pub(super) fn get(&self, name: &str) -> Option<&'n Entry> {
        let entry = self.entries.iter().find(|entry| entry.name() == name);
        entry.filter(|entry| !entry.value.is_null())
    }

    /// Returns the text of a field. It is empty if the field is missing or null.
    pub(super) fn text(
        &self,
        name: &str,
        findings: &mut Findings,
    ) -> Result<Lined<&'n str>, Reported> {
        let Some(entry) = self.get(name) else { return Ok(Lined { line: self.line, value: "" }) };
        let value = text(&entry.value, &format!("`{name}`"), findings)?;
        Ok(Lined { line: entry.line(), value })
    }

    /// Returns the items of a field. There are none if the field is missing or null.
    pub(super) fn list(
        &self,
        name: &str,
        findings: &mut Findings,
    ) -> Result<&'n [Rc<Node>], Reported> {
        match self.get(name).map(|entry| (&entry.value.data, entry)) {
            None => Ok(&[]),
            Some((Data::List(items), _)) => Ok(items),
            Some((_, entry)) => {
                let text = format!("`{name}` must be a list, but it is {}", entry.value.what());
                findings.error(entry.line(), "wrong-type", text);
                Err(Reported)
            }
        }
    }
}

/// Returns the text of an item. Like in Go, the text of a null is empty.
fn text_of(node: &Node, what: &str, findings: &mut Findings) -> Option<Lined<String>> {
    let text = text(node, what, findings).ok()?;
    Some(Lined { line: node.line, value: text.to_owned() })
}

fn text<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Result<&'n str, Reported> {
    match &node.data {
        Data::Scalar { meaning: Meaning::Null, .. } => Ok(""),
        Data::Scalar { text, meaning: Meaning::Text | Meaning::Merge } => Ok(text),
        _ => {
            let text = format!("{what} must be text, but it is {}", node.what());
            let finding = Finding::error(node.line, "wrong-type", text);
            findings.push(match node.data {
                Data::Scalar { .. } => finding.with_hint("put the value in quotes"),
                _ => finding,
            });
            Err(Reported)
        }
    }
}
