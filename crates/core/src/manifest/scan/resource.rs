//! The custom resource `EnvcryptSecret`, which must not hold plaintext values.

use super::look::{Look, has};
use super::{Found, FoundSecret, PROTECTED, Position, SEALED_JSON};
use crate::envelope::{Jwe, Kind};
use crate::manifest::resource::is_group;
use crate::manifest::tree::{Node, text_of};

/// Fields in which someone may put the values of a Secret. Only `values` holds sealed ones.
const VALUE_FIELDS: [&str; 3] = ["values", "data", "stringData"];

impl Look<'_> {
    /// Scans a resource. It is always a sealed Secret.
    pub(super) fn resource(&mut self, node: &Node) {
        let mut literals = self.literals_of_resource(node);
        self.copies(node, &mut literals);
        let at = self.position(node.start);
        let object = self.object(node, false);
        self.push(Found::Secret(Box::new(FoundSecret { object, is_sealed: true, at, literals })));
    }

    /// Scans what is in a `spec` beside the sealed parts.
    pub(super) fn rest_of_spec(&mut self, spec: &Node) {
        for (key, value) in spec.entries() {
            match text_of(key) {
                Some("sealed") => {
                    let is_own = |key: &Node| matches!(text_of(key), Some("values" | "seal"));
                    let others = value.entries().iter().filter(|(key, _)| !is_own(key));
                    others.for_each(|(_, value)| self.at(value));
                }
                _ => self.at(value),
            }
        }
    }

    /// The values of a resource that are not sealed.
    pub(super) fn literals_of_resource(&self, node: &Node) -> Vec<(Option<String>, Position)> {
        let mut literals = Vec::new();
        let spec = node.all("spec");
        let sealed: Vec<_> = spec.iter().flat_map(|spec| spec.all("sealed")).collect();
        for holder in [node].into_iter().chain(spec).chain(sealed.iter().copied()) {
            let is_sealed_spec = sealed.iter().any(|sealed| std::ptr::eq(*sealed, holder));
            for field in VALUE_FIELDS {
                let is_value = |value: &Node| {
                    let is_sealed = is_sealed_spec
                        && field == "values"
                        && text_of(value).is_some_and(is_sealed_value);
                    !is_sealed && self.is_literal(value)
                };
                for values in holder.all(field) {
                    self.values(values, is_value, &mut literals);
                }
            }
        }
        literals
    }
}

/// Whether the node can be an object of this kind of our API group, in any version.
pub(super) fn is_resource(node: &Node, kind: &str) -> bool {
    let versions = node.all("apiVersion").into_iter().filter_map(text_of);
    has(node, "kind", kind) && versions.into_iter().any(is_group)
}

/// Whether a value is sealed, or begins like a sealed value. Other code checks that it is complete.
pub(super) fn is_sealed_value(text: &str) -> bool {
    let begins = text.strip_prefix(SEALED_JSON).is_some_and(|rest| rest.starts_with(PROTECTED));
    begins || Jwe::parse(Kind::Value, text.as_bytes()).is_ok()
}
