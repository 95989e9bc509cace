//! The rules of kube-apiserver for the names of resources.

use super::finding::{Finding, Findings, shown};
use super::{EncryptionConfiguration, Lined};

/// A resource and its API group. Either can be `*`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name<'c> {
    resource: &'c str,
    group: &'c str,
}

const EVERYTHING: Name<'static> = Name { resource: "*", group: "*" };

impl<'c> Name<'c> {
    fn parse(text: &'c str) -> Self {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        Self { resource, group }
    }

    fn overlaps(self, other: Self) -> bool {
        self == EVERYTHING
            || other == EVERYTHING
            || self.group == other.group && (self.resource == "*" || other.resource == "*")
    }

    /// Whether an earlier block with `self` leaves nothing to a later block with `other`.
    fn masks(self, other: Self) -> bool {
        self == EVERYTHING || self.resource == "*" && self.group == other.group
    }
}

/// Checks each resource alone, then within its block, then with the blocks before.
pub(super) fn check(config: &EncryptionConfiguration, findings: &mut Findings) {
    let mut earlier: Vec<Name<'_>> = Vec::new();
    for block in &config.blocks {
        for resource in &block.resources {
            check_name(resource, findings);
            check_earlier(resource, &earlier, findings);
        }
        check_pairs(&block.resources, findings);
        earlier.extend(block.resources.iter().map(|resource| Name::parse(resource)));
    }
}

fn check_name(resource: &Lined<String>, findings: &mut Findings) {
    let name = Name::parse(resource);
    let (text, hint) = match (resource.as_str(), name.resource, name.group) {
        (text, ..) if text.to_lowercase() != text => {
            ("the name of a resource must not have capital letters", "write it in lower case")
        }
        ("*", ..) => {
            ("`*` alone is not a resource", "write `*.` for the core API group, or `*.*` for all")
        }
        ("apiserveripinfo" | "serviceipallocations" | "servicenodeportallocations", ..) => {
            ("this resource has no REST API, so it cannot be encrypted", "remove it")
        }
        (_, _, "events.k8s.io") => ("etcd has events in the core API group", "write `events`"),
        (_, _, "extensions") => ("the API group `extensions` does not exist any more", "remove it"),
        (_, resource, "*") if resource != "*" => {
            ("a resource cannot be encrypted across API groups", "name one API group")
        }
        ("", ..) => {
            let text = "the name of the resource is empty, so it has no effect";
            findings.push(Finding::warning(resource.line, "resource-name", text));
            return;
        }
        _ => return,
    };
    findings.push(Finding::error(resource.line, "resource-name", text).with_hint(hint));
}

fn check_earlier(resource: &Lined<String>, earlier: &[Name<'_>], findings: &mut Findings) {
    let (name, text) = (Name::parse(resource), shown(resource));
    let finding = if earlier.iter().any(|other| other.masks(name)) {
        let text = format!("an earlier entry has all of the resource {text}");
        let hint = "put the more specific entry first";
        Finding::error(resource.line, "resource-masked", text).with_hint(hint)
    } else if earlier.contains(&name) {
        let text = format!("an earlier entry has the resource {text}, and decides how to write it");
        Finding::warning(resource.line, "resource-in-two-entries", text)
    } else {
        return;
    };
    findings.push(finding);
}

fn check_pairs(resources: &[Lined<String>], findings: &mut Findings) {
    let (mut is_duplicate, mut is_overlap) = (false, false);
    for (at, resource) in resources.iter().enumerate() {
        let name = Name::parse(resource);
        let before = || resources[..at].iter().map(|other| Name::parse(other));
        if !is_duplicate && before().any(|other| other == name) {
            is_duplicate = true;
            let text = format!("the entry has the resource {} twice", shown(resource));
            findings.error(resource.line, "resource-duplicate", text);
        }
        if !is_overlap && before().any(|other| other != name && other.overlaps(name)) {
            is_overlap = true;
            let text = format!("the resource {} overlaps with one before it", shown(resource));
            let hint = "keep the wildcard only, or use two entries with the wildcard in the last";
            findings.push(Finding::error(resource.line, "resource-overlap", text).with_hint(hint));
        }
    }
}
