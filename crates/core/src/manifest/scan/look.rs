//! Scans the nodes of a document.

use std::collections::HashSet;

use serde_yaml::Value;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::gap::Gaps;
use super::resource;
use super::{
    Context, Found, FoundSecret, LAST_APPLIED_ANNOTATION, Position, SEALED_JSON, SEALED_MARK,
    SEALED_TYPE, Scan, json,
};
use crate::envelope::{Jwe, Kind};
use crate::manifest::tree::{Mark, Node, text_of};

/// Fields of a Secret that are not searched for other objects.
const OWN_FIELDS: [&str; 3] = ["data", "stringData", "metadata"];

pub(super) struct Look<'s> {
    pub(super) scan: &'s mut Scan,
    /// The number of lines before the document.
    before: usize,
    pub(super) context: Context,
    pub(super) gaps: Gaps,
    /// The positions that an earlier scan of the same text found.
    found: HashSet<Position>,
}

impl<'s> Look<'s> {
    pub(super) fn new(
        scan: &'s mut Scan,
        before: usize,
        document: &Node,
        context: Context,
    ) -> Self {
        let is_sops = document.all("sops").into_iter().any(|sops| sops.get("mac").is_some());
        let gaps = Gaps { markers: context.markers, is_sops };
        let position = |found: &Found| match found {
            Found::Secret(secret) => secret.at,
            Found::Sealed(at) | Found::Unreadable(at) => *at,
        };
        // Only a template is scanned twice.
        let found = match context.markers.is_some() && context.fixed.is_none() {
            // The findings of this document come last.
            true => {
                let found = scan.found.iter().rev().map(position);
                found.take_while(|at| at.line > before).collect()
            }
            false => HashSet::new(),
        };
        Self { scan, before, context, gaps, found }
    }

    pub(super) fn document(&mut self, node: &Node) {
        if self.context.target.is_some_and(|target| self.patch(node, target)) {
            return;
        }
        self.node(node, self.context.is_kustomization);
    }

    pub(super) fn at(&mut self, node: &Node) {
        self.node(node, false);
    }

    fn node(&mut self, node: &Node, is_kustomization: bool) {
        let is_secret = is_kind(node, "Secret");
        if is_secret {
            self.secret(node, false);
        }
        let is_resource = resource::is_resource(node, "EnvcryptSecret");
        if is_resource {
            self.resource(node);
        }
        // In `kubectl`, the kind of a list gives the kind of its items.
        let is_resource_list = resource::is_resource(node, "EnvcryptSecretList");
        let is_list = is_secret || is_kind(node, "SecretList") || is_resource_list;
        if is_list {
            // This includes merged items.
            let items = node.all("items").into_iter().filter_map(Node::as_sequence);
            items.flatten().for_each(|item| self.item(item, is_resource_list));
        }
        for (key, value) in node.entries() {
            match text_of(key) {
                Some("items") if is_list => {}
                Some(name) if is_secret && OWN_FIELDS.contains(&name) => {}
                Some("metadata") if is_resource => {}
                Some("spec") if is_resource => self.rest_of_spec(value),
                _ => {
                    self.at(key);
                    self.at(value);
                }
            }
        }
        if node.is_mapping() {
            self.kustomization(node, is_kustomization);
        }
        node.as_sequence().into_iter().flatten().for_each(|item| self.at(item));
        if text_of(node).is_some_and(|t| t.starts_with(SEALED_MARK) || t.starts_with(SEALED_JSON)) {
            let at = self.position(node.start);
            self.push(Found::Sealed(at));
        }
    }

    /// Scans an item of a list of Secrets, or of resources.
    fn item(&mut self, node: &Node, is_resource: bool) {
        let has_kind =
            node.all("kind").into_iter().any(|kind| text_of(kind).is_some_and(|k| !k.is_empty()));
        match node.is_mapping() && !has_kind {
            true if is_resource => self.resource(node),
            true => self.secret(node, true),
            false => self.at(node),
        }
    }

    /// Scans a Secret. If `is_implied`, it may have no `apiVersion` and no `kind`.
    pub(super) fn secret(&mut self, node: &Node, is_implied: bool) {
        let at = self.position(node.start);
        let is_sealed = is_sealed(node);
        let mut literals = self.literals(node);
        self.copies(node, &mut literals);
        let object = self.object(node, is_implied);
        self.push(Found::Secret(Box::new(FoundSecret { object, is_sealed, at, literals })));
    }

    /// Adds each copy of client-side apply that contains plaintext values.
    pub(super) fn copies(&self, node: &Node, literals: &mut Vec<(Option<String>, Position)>) {
        let metadata = node.all("metadata").into_iter();
        let annotations = metadata.flat_map(|metadata| metadata.all("annotations"));
        for copy in annotations.flat_map(|all| all.all(LAST_APPLIED_ANNOTATION)) {
            if text_of(copy).is_some_and(|text| self.has_literals(text)) {
                let key = LAST_APPLIED_ANNOTATION.to_owned();
                literals.push((Some(key), self.position(copy.start)));
            }
        }
    }

    fn literals(&self, node: &Node) -> Vec<(Option<String>, Position)> {
        let is_sealed = is_sealed(node);
        let mut literals = Vec::new();
        for field in ["data", "stringData"] {
            let is_value = |value: &Node| {
                let is_sealed =
                    is_sealed && field == "data" && text_of(value).is_some_and(is_sealed_value);
                !is_sealed && self.is_literal(value)
            };
            node.all(field).into_iter().for_each(|v| self.values(v, is_value, &mut literals));
        }
        literals
    }

    /// Adds the values in a field for which `is_value` holds.
    pub(super) fn values(
        &self,
        values: &Node,
        is_value: impl Fn(&Node) -> bool,
        literals: &mut Vec<(Option<String>, Position)>,
    ) {
        if !values.is_mapping() {
            let at = self.position(values.start);
            literals.extend(is_value(values).then_some((None, at)));
            return;
        }
        for (key, value) in values.all_entries() {
            if is_value(value) {
                literals.push((self.key(text_of(key)), self.position(key.start)));
            }
        }
    }

    /// The name of a key, if it contains no expression.
    pub(super) fn key(&self, key: Option<&str>) -> Option<String> {
        let is_template = |text: &str| self.gaps.markers.is_some_and(|m| m.are_in(text));
        key.filter(|key| !is_template(key)).map(str::to_owned)
    }

    pub(super) fn is_literal(&self, value: &Node) -> bool {
        match text_of(value) {
            Some(text) => !value.is_null() && self.gaps.is_literal(text),
            None => {
                !value.entries().is_empty() || value.as_sequence().is_some_and(|s| !s.is_empty())
            }
        }
    }

    /// Whether the copy of client-side apply contains plaintext values.
    fn has_literals(&self, text: &str) -> bool {
        match json::value(text) {
            Some(copy) if resource::is_resource(&copy, "EnvcryptSecret") => {
                !self.literals_of_resource(&copy).is_empty()
            }
            Some(copy) => !self.literals(&copy).is_empty(),
            None => text.contains("ata\":{\"") && !text.contains(SEALED_MARK),
        }
    }

    /// The object, if it can be applied as it is.
    pub(super) fn object(&self, node: &Node, is_implied: bool) -> Option<Value> {
        let is_template = |text: &str| {
            text.contains("{{")
                || text.contains("${")
                || self.gaps.markers.is_some_and(|markers| markers.are_in(text))
        };
        let metadata = node.get("metadata");
        let names = ["name", "namespace"].into_iter().filter_map(|name| metadata?.get(name));
        if names.filter_map(text_of).any(is_template) {
            return None;
        }
        let mut value = node.to_value().ok()?;
        if is_implied && let Some(mapping) = value.as_mapping_mut() {
            mapping.insert("apiVersion".into(), "v1".into());
            mapping.insert("kind".into(), "Secret".into());
        }
        Some(value)
    }

    pub(super) fn push(&mut self, found: Found) {
        let at = match &found {
            Found::Secret(secret) => secret.at,
            Found::Sealed(at) | Found::Unreadable(at) => *at,
        };
        if !self.found.contains(&at) {
            self.scan.found.push(found);
        }
    }

    pub(super) fn position(&self, mark: Mark) -> Position {
        let at = Position { line: self.before + mark.line as usize, column: mark.column as usize };
        self.context.fixed.unwrap_or(at)
    }
}

/// Whether the node can be an object of this kind in the core API `v1`. Duplicate keys count.
pub(super) fn is_kind(node: &Node, kind: &str) -> bool {
    // `kubectl` reads a group without a name as the core group.
    has(node, "kind", kind) && (has(node, "apiVersion", "v1") || has(node, "apiVersion", "/v1"))
}

/// Whether one of the values of a key, including merged ones, is this text.
pub(super) fn has(node: &Node, name: &str, text: &str) -> bool {
    node.entries().iter().any(|(key, value)| match key.is_merge() {
        true => value.merged().iter().any(|source| has(source, name, text)),
        false => text_of(key) == Some(name) && text_of(value) == Some(text),
    })
}

/// Whether every `type` of the node is that of a sealed Secret.
fn is_sealed(node: &Node) -> bool {
    let types = node.all("type");
    !types.is_empty() && types.into_iter().all(|node| text_of(node) == Some(SEALED_TYPE))
}

/// Whether a value of `data` is sealed, or begins like a sealed value. Other code checks that it is
/// complete.
fn is_sealed_value(text: &str) -> bool {
    text.starts_with(SEALED_MARK)
        || BASE64_STANDARD.decode(text).is_ok_and(|json| Jwe::parse(Kind::Value, &json).is_ok())
}
