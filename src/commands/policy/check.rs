//! `--check`: whether the user has the rights of a role, as the cluster says.

use crate::failure::Failure;
use crate::policy::{Grant, PolicyError, Scope};
use crate::session::Session;
use crate::terminal;
use envcrypt_cluster::Access;

/// Prints each right and whether the user has it. Fails if one is missing.
pub async fn run(grants: &[Grant], session: &Session) -> Result<(), Failure> {
    let cluster = session.cluster().await?;
    let mut rows = Vec::new();
    for access in grants.iter().flat_map(rights) {
        let is_allowed = cluster.may(&access).await?;
        rows.push((name(&access), place(&access), is_allowed));
    }
    let width = |text: fn(&(String, String, bool)) -> &String, title: &str| {
        rows.iter().map(|row| text(row).len()).max().unwrap_or(0).max(title.len())
    };
    let (right, namespace) = (width(|row| &row.0, "RIGHT"), width(|row| &row.1, "NAMESPACE"));
    let mut text = format!("{:<right$}  {:<namespace$}  ALLOWED\n", "RIGHT", "NAMESPACE");
    for (what, place, is_allowed) in &rows {
        let answer = if *is_allowed { "yes" } else { "no" };
        text += &format!("{what:<right$}  {place:<namespace$}  {answer}\n");
    }
    terminal::stdout(text.as_bytes())?;
    let missing = rows.iter().filter(|row| !row.2).count();
    match missing {
        0 => Ok(()),
        missing => Err(PolicyError::Missing { missing, all: rows.len() }.into()),
    }
}

/// Each right of a grant by itself.
fn rights(grant: &Grant) -> Vec<Access<'_>> {
    let namespace = match &grant.scope {
        Scope::Cluster => "",
        Scope::Namespace(namespace) => namespace.as_str(),
    };
    let mut all = Vec::new();
    for rule in &grant.rules {
        let [group] = rule.api_groups;
        let names: Vec<&str> = match &rule.resource_names[..] {
            [] => vec![""],
            names => names.iter().map(String::as_str).collect(),
        };
        for whole in &rule.resources {
            let (resource, subresource) = whole.split_once('/').unwrap_or((whole, ""));
            for name in &names {
                let access = Access { verb: "", group, resource, subresource, namespace, name };
                all.extend(rule.verbs.iter().map(|verb| Access { verb, ..access }));
            }
        }
    }
    all
}

/// As `kubectl auth can-i` writes it: `get secrets/db`.
fn name(access: &Access<'_>) -> String {
    let Access { verb, group, resource, subresource, name, .. } = access;
    let dot = if group.is_empty() { "" } else { "." };
    let mut text = format!("{verb} {resource}{dot}{group}");
    for (mark, part) in [("/", name), (" --subresource=", subresource)] {
        if !part.is_empty() {
            text += &format!("{mark}{part}");
        }
    }
    text
}

fn place(access: &Access<'_>) -> String {
    if access.namespace.is_empty() { "all" } else { access.namespace }.to_owned()
}
