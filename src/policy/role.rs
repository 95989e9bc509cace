//! What each role may do in the cluster, and no more.

use std::fmt;
use std::str::FromStr;

use super::rbac::{Grant, Rule, Scope};
use envcrypt_core::secret::{Namespace, SecretName};

/// The API group of `EnvcryptSecret`.
const GROUP: &str = "envcrypt.dev";
/// The resource of `EnvcryptSecret`.
const RESOURCE: &str = "envcryptsecrets";

const ALL_SECRETS: &str = "Without resourceNames, this reads every Secret of the namespace: also plain ones,\nand tokens of service accounts.";
const PATCH_READS: &str = "The answer to a patch is the whole object: who may patch a Secret may read it. With\nno resourceNames, this is every Secret of the namespace, plain ones too.";

/// Creates and changes sealed Secrets of the cluster, and opens none.
///
/// `secrets` adds the kind `Secret` to `EnvcryptSecret`. With `names`, only these may be changed.
pub fn sealer(name: &str, namespaces: &[Namespace], names: &[String], secrets: bool) -> Vec<Grant> {
    // RBAC cannot limit `create` to names.
    let write = |group, resource: &'static str| match names {
        [] => vec![Rule::new(group, &[resource], &["create", "patch"])],
        names => vec![
            Rule::new(group, &[resource], &["create"]),
            Rule::new(group, &[resource], &["patch"]).named(names),
        ],
    };
    let mut rules = write(GROUP, RESOURCE);
    let mut comment = "";
    if secrets {
        rules.append(&mut write("", "secrets"));
        comment = PATCH_READS;
    }
    in_each(name, namespaces, &rules, comment)
}

/// Reads sealed Secrets of the cluster.
pub fn reader(name: &str, namespaces: &[Namespace], names: &[String]) -> Vec<Grant> {
    let rules = [("", "secrets"), (GROUP, RESOURCE)]
        .map(|(group, resource)| Rule::new(group, &[resource], &["get"]).named(names));
    in_each(name, namespaces, &rules, if names.is_empty() { ALL_SECRETS } else { "" })
}

/// What the controller does.
pub struct Controller {
    /// The namespaces that it serves; if empty, all.
    pub namespaces: Vec<Namespace>,
    /// Whether it notices that someone changed a plain Secret.
    pub watches_drift: bool,
    /// Whether it restarts workloads.
    pub restarts: bool,
    /// Its Lease, if it has one.
    pub lease: Option<Lease>,
}

/// The Lease of the leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub namespace: Namespace,
    pub name: String,
}

impl FromStr for Lease {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = text.split_once('/').ok_or("write NAMESPACE/NAME, or off")?;
        let namespace = namespace.parse().map_err(|e| format!("{e}"))?;
        let name = name.parse::<SecretName>().map_err(|_| "the name is not valid")?;
        Ok(Self { namespace, name: name.to_string() })
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Delivers plain Secrets.
pub fn controller(name: &str, options: &Controller) -> Vec<Grant> {
    let mut rules = vec![
        Rule::new(GROUP, &[RESOURCE], &["get", "list", "watch"]),
        Rule::new(GROUP, &["envcryptsecrets/status"], &["patch"]),
        match options.watches_drift {
            true => {
                let verbs = ["get", "list", "watch", "create", "patch", "delete"];
                Rule::new("", &["secrets"], &verbs)
            }
            false => Rule::new("", &["secrets"], &["get", "create", "patch", "delete"]),
        },
        Rule::new("events.k8s.io", &["events"], &["create", "patch"]),
    ];
    if options.restarts {
        let kinds = ["deployments", "statefulsets", "daemonsets"];
        rules.push(Rule::new("apps", &kinds, &["get", "list", "patch"]));
    }
    let mut grants = match &options.namespaces[..] {
        [] => vec![Grant::new(name, Scope::Cluster, rules)],
        namespaces => in_each(name, namespaces, &rules, ""),
    };
    grants.extend(options.lease.as_ref().map(|lease| of_lease(name, lease)));
    grants
}

/// The Lease is in the controller's own namespace, which may also be one that it serves.
fn of_lease(name: &str, lease: &Lease) -> Grant {
    const GROUP: &str = "coordination.k8s.io";
    let rules = vec![
        // RBAC cannot limit `create` to names.
        Rule::new(GROUP, &["leases"], &["create"]),
        Rule::new(GROUP, &["leases"], &["get", "patch"]).named(std::slice::from_ref(&lease.name)),
    ];
    Grant::new(&format!("{name}-lease"), Scope::Namespace(lease.namespace.clone()), rules)
}

/// Adds `EnvcryptSecret` to the roles `view`, `edit` and `admin` of the cluster. Nobody gets
/// `envcryptsecrets/status`.
pub fn people() -> Vec<Grant> {
    let extend = |name, label, verbs: &[&'static str]| {
        let rules = vec![Rule::new(GROUP, &[RESOURCE], verbs)];
        let labels = [(label, "true")].into();
        Grant { labels, ..Grant::new(name, Scope::Cluster, rules) }
    };
    vec![
        extend(
            "envcrypt-view",
            "rbac.authorization.k8s.io/aggregate-to-view",
            &["get", "list", "watch"],
        ),
        // `admin` has what `edit` has.
        extend(
            "envcrypt-edit",
            "rbac.authorization.k8s.io/aggregate-to-edit",
            &["get", "list", "watch", "create", "update", "patch", "delete"],
        ),
    ]
}

fn in_each(
    name: &str,
    namespaces: &[Namespace],
    rules: &[Rule],
    comment: &'static str,
) -> Vec<Grant> {
    let grant = |namespace: &Namespace| {
        let scope = Scope::Namespace(namespace.clone());
        Grant { comment, ..Grant::new(name, scope, rules.to_vec()) }
    };
    namespaces.iter().map(grant).collect()
}
