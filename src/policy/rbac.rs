//! The objects of RBAC.

use std::collections::BTreeMap;

use super::Subject;
use envcrypt_core::secret::Namespace;

const GROUP: &str = "rbac.authorization.k8s.io";

/// One rule of a Role.
#[derive(Debug, Clone)]
pub struct Rule {
    pub api_groups: [&'static str; 1],
    pub resources: Vec<&'static str>,
    /// Only these objects; if empty, all.
    pub resource_names: Vec<String>,
    pub verbs: Vec<&'static str>,
}

impl Rule {
    /// A rule for all objects of these resources.
    pub fn new(group: &'static str, resources: &[&'static str], verbs: &[&'static str]) -> Self {
        Self {
            api_groups: [group],
            resources: resources.to_vec(),
            resource_names: Vec::new(),
            verbs: verbs.to_vec(),
        }
    }

    /// The same rule for these objects only; if `names` is empty, for all.
    pub fn named(self, names: &[String]) -> Self {
        Self { resource_names: names.to_vec(), ..self }
    }
}

/// Where rules hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Cluster,
    Namespace(Namespace),
}

/// A Role or a ClusterRole.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The name of the role, and of its binding.
    pub name: String,
    pub scope: Scope,
    pub rules: Vec<Rule>,
    /// Its labels.
    pub labels: BTreeMap<&'static str, &'static str>,
    /// What people must know, for a comment of one or more lines.
    pub comment: &'static str,
}

impl Grant {
    pub fn new(name: &str, scope: Scope, rules: Vec<Rule>) -> Self {
        let name = name.to_owned();
        Self { name, scope, rules, labels: BTreeMap::new(), comment: "" }
    }
}

/// Writes the roles and, if there are subjects, their bindings, as documents of YAML.
pub fn manifest(grants: &[Grant], subjects: &[Subject]) -> String {
    let mut documents = Vec::new();
    for grant in grants {
        documents.push(role(grant));
        if !subjects.is_empty() {
            documents.push(binding(grant, subjects));
        }
    }
    documents.join("---\n")
}

fn role(grant: &Grant) -> String {
    let kind = match grant.scope {
        Scope::Cluster => "ClusterRole",
        Scope::Namespace(_) => "Role",
    };
    let mut text: String = grant.comment.lines().map(|line| format!("# {line}\n")).collect();
    text += &head(kind, grant);
    for (n, (name, value)) in grant.labels.iter().enumerate() {
        text += if n == 0 { "  labels:\n" } else { "" };
        text += &format!("    {name}: {}\n", list_item(value));
    }
    text += "rules:\n";
    for rule in &grant.rules {
        text += &format!("- apiGroups: {}\n", list(&rule.api_groups));
        text += &format!("  resources: {}\n", list(&rule.resources));
        if !rule.resource_names.is_empty() {
            text += &format!("  resourceNames: {}\n", list(&rule.resource_names));
        }
        text += &format!("  verbs: {}\n", list(&rule.verbs));
    }
    text
}

fn binding(grant: &Grant, subjects: &[Subject]) -> String {
    let (kind, role) = match grant.scope {
        Scope::Cluster => ("ClusterRoleBinding", "ClusterRole"),
        Scope::Namespace(_) => ("RoleBinding", "Role"),
    };
    let mut text = head(kind, grant);
    let name = scalar(&grant.name);
    text += &format!("roleRef:\n  apiGroup: {GROUP}\n  kind: {role}\n  name: {name}\nsubjects:\n");
    for subject in subjects {
        text += &match subject {
            Subject::User(name) => {
                format!("- kind: User\n  apiGroup: {GROUP}\n  name: {}\n", scalar(name))
            }
            Subject::Group(name) => {
                format!("- kind: Group\n  apiGroup: {GROUP}\n  name: {}\n", scalar(name))
            }
            Subject::ServiceAccount { namespace, name } => format!(
                "- kind: ServiceAccount\n  namespace: {}\n  name: {}\n",
                scalar(namespace.as_str()),
                scalar(name)
            ),
        };
    }
    text
}

fn head(kind: &str, grant: &Grant) -> String {
    let mut text = format!(
        "apiVersion: {GROUP}/v1\nkind: {kind}\nmetadata:\n  name: {}\n",
        scalar(&grant.name)
    );
    if let Scope::Namespace(namespace) = &grant.scope {
        text += &format!("  namespace: {}\n", scalar(namespace.as_str()));
    }
    text
}

/// A text without line breaks, in quotes where YAML needs them.
fn scalar(text: &str) -> String {
    serde_yaml::to_string(text).expect("it is plain text").trim_end().to_owned()
}

/// A list on one line, as the documentation of Kubernetes writes them.
fn list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| list_item(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// A string of JSON is a string of YAML.
fn list_item(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_other_yaml_stay_text() {
        let namespace = "123".parse().expect("a namespace");
        let rules = vec![Rule::new("", &["secrets"], &["get"]).named(&["true".to_owned()])];
        let mut grant = Grant::new("null", Scope::Namespace(namespace), rules);
        grant.comment = "one\ntwo";
        grant.labels.insert("a", "true");
        let subjects = [Subject::User("a: #b".into()), Subject::Group("'*'".into())];
        let text = manifest(&[grant], &subjects);
        assert!(text.starts_with("# one\n# two\napiVersion: "), "{text}");
        let parse = |text| serde_yaml::from_str::<serde_yaml::Value>(text).expect("YAML");
        let (role, binding) = text.split_once("---\n").expect("two documents");
        let (role, binding) = (parse(role), parse(binding));
        assert_eq!(role["metadata"]["name"], "null");
        assert_eq!(role["metadata"]["namespace"], "123");
        assert_eq!(role["metadata"]["labels"]["a"], "true");
        assert_eq!(role["rules"][0]["resourceNames"][0], "true");
        assert_eq!(binding["roleRef"]["name"], "null");
        assert_eq!(binding["subjects"][0]["name"], "a: #b");
        assert_eq!(binding["subjects"][1]["name"], "'*'");
    }
}
