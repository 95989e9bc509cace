//! Files of Kustomize, which create and patch Secrets.

use super::look::{Look, has};
use super::resource::is_sealed_value;
use super::{Context, Found, FoundSecret, MAX_TEXTS, may_hide_secret};
use crate::manifest::RESOURCE_KIND;
use crate::manifest::tree::{Node, text_of};

/// The kind of object that a patch changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Secret,
    Other,
    Unknown,
}

/// The kinds of objects that contain patches.
pub(super) const TRANSFORMERS: [&str; 5] = [
    "Kustomization",
    "Component",
    "PatchTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
];

impl Look<'_> {
    /// Scans the fields of a mapping that Kustomize would read.
    pub(super) fn kustomization(&mut self, node: &Node, is_kustomization: bool) {
        if has(node, "kind", "SecretGenerator") {
            self.generator(node);
        }
        for generators in named(node, "secretGenerator") {
            items(generators).iter().for_each(|item| self.generator(item));
        }
        let is_transformer = || TRANSFORMERS.iter().any(|kind| has(node, "kind", kind));
        if !is_kustomization && !is_transformer() {
            return;
        }
        for name in ["patches", "patchesJson6902", "patchesStrategicMerge"] {
            for patch in named(node, name).into_iter().flat_map(items) {
                match patch.is_mapping() {
                    true => self.patches(patch),
                    false => self.inner(patch, Some(Target::Unknown)),
                }
            }
        }
        for name in ["generators", "transformers", "validators"] {
            named(node, name).into_iter().flat_map(items).for_each(|text| self.inner(text, None));
        }
        self.patches(node);
    }

    /// Scans the patches in the fields of a mapping, for its `target`.
    fn patches(&mut self, node: &Node) {
        let kinds = node.all("target").into_iter().flat_map(|target| target.all("kind"));
        let kinds: Vec<_> = kinds.filter_map(text_of).collect();
        // `kind` can be a regular expression.
        let is_name = |kind: &&str| kind.chars().all(|c| c.is_ascii_alphanumeric());
        let target = match &kinds[..] {
            ["Secret"] => Target::Secret,
            [RESOURCE_KIND] => Target::Unknown,
            [kind] if is_name(kind) && !kind.is_empty() => Target::Other,
            _ => Target::Unknown,
        };
        for patch in ["patch", "jsonOp"].into_iter().flat_map(|name| named(node, name)) {
            self.inner(patch, Some(target));
        }
    }

    /// Scans a text inside a text.
    fn inner(&mut self, node: &Node, target: Option<Target>) {
        let Some(text) = text_of(node) else { return };
        let at = self.position(node.start);
        let depth = self.context.depth + 1;
        if depth > MAX_TEXTS {
            if may_hide_secret(text) {
                self.push(Found::Unreadable(at));
            }
            return;
        }
        let context =
            Context { is_kustomization: false, fixed: Some(at), depth, target, ..self.context };
        self.scan.text(text, context);
    }

    /// Scans the root of a patch. Returns whether nothing else is left to scan in it.
    pub(super) fn patch(&mut self, node: &Node, target: Target) -> bool {
        if let Some(operations) = node.as_sequence() {
            if target != Target::Other {
                self.operations(node, operations);
            }
            return false;
        }
        // A patch needs no `apiVersion`. It needs no `kind` if the target has one.
        let is_secret = match node.get("kind") {
            Some(_) => has(node, "kind", "Secret"),
            None => target == Target::Secret && node.is_mapping(),
        };
        if is_secret {
            self.secret(node, true);
        }
        is_secret
    }

    /// Scans the operations of a JSON Patch (RFC 6902).
    fn operations(&mut self, node: &Node, operations: &[Node]) {
        let mut literals = Vec::new();
        for operation in operations {
            let Some(path) = operation.get("path").and_then(text_of) else { continue };
            if path.is_empty() || path == "/" {
                let values = operation.all("value").into_iter();
                values.filter(|value| value.is_mapping()).for_each(|v| self.secret(v, true));
                continue;
            }
            let path = path.strip_prefix('/').unwrap_or(path);
            // The values of an EnvcryptSecret are sealed; those of a Secret are not.
            let (path, is_resource) = match path.strip_prefix("spec/sealed/") {
                Some(path) if path.starts_with("values") => (path, true),
                _ => (path, false),
            };
            let (field, key) = path.split_once('/').map_or((path, None), |(f, k)| (f, Some(k)));
            if !["data", "stringData"].contains(&field) && !is_resource {
                continue;
            }
            let is_value = |value: &Node| {
                let is_sealed = is_resource && text_of(value).is_some_and(is_sealed_value);
                !is_sealed && self.is_literal(value)
            };
            for value in operation.all("value") {
                if !value.is_mapping() || key.is_some() {
                    let at = self.position(value.start);
                    literals.extend(is_value(value).then(|| (self.key(key), at)));
                    continue;
                }
                for (key, value) in value.all_entries() {
                    let at = self.position(key.start);
                    literals.extend(is_value(value).then(|| (self.key(text_of(key)), at)));
                }
            }
        }
        if !literals.is_empty() {
            let at = self.position(node.start);
            let secret = FoundSecret { object: None, is_sealed: false, at, literals };
            self.push(Found::Secret(Box::new(secret)));
        }
    }

    /// Scans a generator, which makes a Secret from literals.
    fn generator(&mut self, node: &Node) {
        let mut literals = Vec::new();
        for literal in node.all("literals").into_iter().flat_map(items) {
            let at = self.position(literal.start);
            let is_literal = match text_of(literal).and_then(|text| text.split_once('=')) {
                Some((_, value)) => self.gaps.is_literal(value.trim_matches(['"', '\''])),
                None => self.is_literal(literal),
            };
            let key = text_of(literal).and_then(|text| text.split_once('=')).map(|(key, _)| key);
            literals.extend(is_literal.then(|| (self.key(key), at)));
        }
        let at = self.position(node.start);
        let secret = FoundSecret { object: None, is_sealed: false, at, literals };
        self.push(Found::Secret(Box::new(secret)));
    }
}

/// The values of a key. Most mappings do not have it, so this checks that first.
fn named<'n>(node: &'n Node, name: &str) -> Vec<&'n Node> {
    let is_there = |(key, _): &(Node, Node)| key.is_merge() || text_of(key) == Some(name);
    if node.entries().iter().any(is_there) { node.all(name) } else { Vec::new() }
}

/// The items of a sequence. Any other node is its own only item.
fn items(node: &Node) -> &[Node] {
    node.as_sequence().unwrap_or(std::slice::from_ref(node))
}
