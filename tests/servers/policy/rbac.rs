//! The rights in the cluster.

use serde_json::{Value, json};

use super::person::Person;
use super::{apply, label, namespace, resource, secret};
use crate::control_plane::control_plane;

const NONE: Value = Value::Null;
/// The verbs of RBAC that a request has.
const VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Nothing of `verbs` is allowed in these namespaces.
#[track_caller]
fn may_none(person: &Person, verbs: &[&str], resources: &[&str], namespaces: &[&str]) {
    for (resource, namespace) in
        resources.iter().flat_map(|resource| namespaces.iter().map(move |n| (resource, n)))
    {
        for verb in verbs {
            let is_of_all = matches!(*verb, "list" | "watch" | "create" | "deletecollection");
            // Only one object of one namespace can be read or written.
            if !is_of_all && namespace.is_empty() || *verb == "create" && namespace.is_empty() {
                continue;
            }
            let name = if *resource == "envcryptsecrets" { "db" } else { "plain" };
            let what = match is_of_all {
                true => (*resource).to_owned(),
                false => format!("{resource}/{name}"),
            };
            person.may_not(verb, &what, namespace);
        }
    }
}

/// All verbs but these.
fn others(verbs: &[&str]) -> Vec<&'static str> {
    VERBS.into_iter().filter(|verb| !verbs.contains(verb)).collect()
}

#[test]
fn a_controller_of_one_namespace_delivers_there_and_nowhere_else() {
    let plane = control_plane();
    let (own, served, other) = (namespace(plane), namespace(plane), namespace(plane));
    let subject = format!("serviceaccount:{own}:c");
    let lease = format!("{own}/envcrypt-controller");
    apply(plane, &["controller", "-n", &served, "--subject", &subject, "--lease", &lease]);
    let controller = Person::new(plane, &format!("system:serviceaccount:{own}:c"));
    for (verb, what, body) in [
        ("get", "envcryptsecrets/db", NONE),
        ("list", "envcryptsecrets", NONE),
        ("watch", "envcryptsecrets", NONE),
        ("patch", "envcryptsecrets/db/status", json!({ "status": { "digest": "a" } })),
        ("get", "secrets/plain", NONE),
        ("list", "secrets", NONE),
        ("watch", "secrets", NONE),
        ("create", "secrets", secret("new")),
        ("patch", "secrets/new", label()),
        ("delete", "secrets/new", NONE),
        ("create", "events", event(&served)),
        ("patch", "events/e", label()),
    ] {
        controller.may_not(verb, what, &other);
        controller.may_not(verb, what, &own);
        controller.may(verb, what, &served, body);
    }
    may_none(&controller, &VERBS, &["secrets", "envcryptsecrets", "events"], &[&other, ""]);
    may_none(&controller, &["update", "deletecollection"], &["secrets"], &[&served]);
    may_none(&controller, &others(&["get", "list", "watch"]), &["envcryptsecrets"], &[&served]);
    may_none(&controller, &others(&["create", "patch"]), &["events"], &[&served]);
    let kinds = ["pods", "configmaps", "deployments", "leases", "serviceaccounts"];
    may_none(&controller, &VERBS, &kinds, &[&served]);
    controller.may_not("get", "envcryptsecrets/db/status", &served);
    controller.may_not("update", "envcryptsecrets/db/status", &served);
    controller.may_not("create", "serviceaccounts/c/token", &own);
    of_lease(&controller, &own);
}

fn event(namespace: &str) -> Value {
    let version = "envcrypt.dev/v1alpha1";
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "e" },
        "eventTime": "2026-01-01T00:00:00.000000Z", "action": "a", "reason": "b", "type": "Normal",
        "reportingController": "envcrypt.dev/controller", "reportingInstance": "c",
        "regarding": { "apiVersion": version, "kind": "EnvcryptSecret", "name": "db", "namespace": namespace },
    })
}

/// The Lease of this name, and no other one.
fn of_lease(controller: &Person, own: &str) {
    for name in ["envcrypt-controller", "other"] {
        let metadata = json!({ "name": name });
        let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata });
        controller.may("create", "leases", own, lease);
    }
    controller.may("get", "leases/envcrypt-controller", own, NONE);
    let holder = json!({ "spec": { "holderIdentity": "a" } });
    controller.may("patch", "leases/envcrypt-controller", own, holder);
    may_none(controller, &others(&["create"]), &["leases"], &[own]);
    controller.may_not("delete", "leases/envcrypt-controller", own);
    may_none(controller, &VERBS, &["secrets", "envcryptsecrets"], &[own]);
}

#[test]
fn a_controller_that_ignores_drift_does_not_list_secrets_and_restarts_if_it_may() {
    let plane = control_plane();
    let (served, user) = (namespace(plane), "controller-without-drift");
    let subject = format!("user:{user}");
    let args = ["controller", "-n", &served, "--subject", &subject, "--drift=off", "--lease=off"];
    apply(plane, &args);
    let controller = Person::new(plane, user);
    controller.may("get", "secrets/plain", &served, NONE);
    controller.may("patch", "secrets/plain", &served, label());
    controller.may("create", "secrets", &served, secret("new"));
    controller.may("delete", "secrets/plain", &served, NONE);
    may_none(&controller, &["list", "watch", "update"], &["secrets"], &[&served]);
    let kinds = ["deployments", "statefulsets", "daemonsets"];
    may_none(&controller, &VERBS, &kinds, &[&served]);
    apply(plane, &[&args[..], &["--restart"]].concat());
    plane.kubectl(["create", "deployment", "plain", "--image=a", "-n", &served]).succeeds();
    controller.may("get", "deployments/plain", &served, NONE);
    controller.may("patch", "deployments/plain", &served, label());
    for kind in kinds {
        controller.may("list", kind, &served, NONE);
    }
    may_none(&controller, &others(&["get", "list", "patch"]), &kinds, &[&served]);
    may_none(&controller, &VERBS, &["leases", "jobs", "pods"], &[&served]);
}

#[test]
fn a_controller_of_all_namespaces_has_one_cluster_role() {
    let plane = control_plane();
    let (one, two) = (namespace(plane), namespace(plane));
    let lease = format!("{one}/envcrypt-controller");
    let args =
        ["controller", "--subject=user:everywhere", "--role-name=everywhere", "--lease", &lease];
    apply(plane, &args);
    let controller = Person::new(plane, "everywhere");
    for namespace in ["", &one, &two] {
        controller.may("list", "secrets", namespace, NONE);
        controller.may("watch", "envcryptsecrets", namespace, NONE);
    }
    controller.may("patch", "secrets/plain", &two, label());
    may_none(&controller, &VERBS, &["leases"], &[&two]);
    may_none(&controller, &VERBS, &["pods", "customresourcedefinitions"], &[""]);
    of_lease_only(&controller, &one);
}

fn of_lease_only(controller: &Person, own: &str) {
    let metadata = json!({ "name": "envcrypt-controller" });
    let lease =
        json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata });
    controller.may("create", "leases", own, lease);
    controller.may("get", "leases/envcrypt-controller", own, NONE);
    may_none(controller, &others(&["create"]), &["leases"], &[own]);
}

#[test]
fn people_who_view_or_edit_a_namespace_never_write_a_status() {
    let plane = control_plane();
    let namespace = namespace(plane);
    apply(plane, &["people"]);
    let bind = |role: &str, user: &str| {
        let (role, user) = (format!("--clusterrole={role}"), format!("--user={user}"));
        let name = role.trim_start_matches("--clusterrole=").to_owned();
        plane.kubectl(["create", "rolebinding", &name, &role, &user, "-n", &namespace]).succeeds();
    };
    bind("envcrypt-view", "viewer");
    bind("envcrypt-edit", "editor");
    let (viewer, editor) = (Person::new(plane, "viewer"), Person::new(plane, "editor"));
    for person in [&viewer, &editor] {
        person.may("get", "envcryptsecrets/db", &namespace, NONE);
        person.may("list", "envcryptsecrets", &namespace, NONE);
        person.may_not("patch", "envcryptsecrets/db/status", &namespace);
        person.may_not("update", "envcryptsecrets/db/status", &namespace);
        may_none(person, &VERBS, &["secrets"], &[&namespace]);
        may_none(person, &["list"], &["envcryptsecrets"], &[""]);
    }
    may_none(&viewer, &others(&["get", "list", "watch"]), &["envcryptsecrets"], &[&namespace]);
    editor.may("create", "envcryptsecrets", &namespace, resource("new"));
    editor.may("patch", "envcryptsecrets/new", &namespace, label());
    editor.may("delete", "envcryptsecrets/new", &namespace, NONE);
    // The cluster's own roles take them by these labels.
    for (role, label) in [("view", "view"), ("edit", "edit")] {
        let selector = format!("rbac.authorization.k8s.io/aggregate-to-{label}=true");
        let found = plane.kubectl(["get", "clusterrole", "-l", &selector, "-oname"]).succeeds();
        let name = format!("clusterrole.rbac.authorization.k8s.io/envcrypt-{role}\n");
        assert!(found.stdout.contains(&name), "{}", found.stdout);
    }
}

#[test]
fn a_sealer_writes_the_resource_and_reads_nothing() {
    let plane = control_plane();
    let (own, other) = (namespace(plane), namespace(plane));
    apply(plane, &["sealer", "-n", &own, "--subject=user:sealer"]);
    let sealer = Person::new(plane, "sealer");
    sealer.may("create", "envcryptsecrets", &own, resource("new"));
    sealer.may("patch", "envcryptsecrets/new", &own, label());
    may_none(&sealer, &others(&["create", "patch"]), &["envcryptsecrets"], &[&own]);
    may_none(&sealer, &VERBS, &["secrets"], &[&own, &other, ""]);
    may_none(&sealer, &VERBS, &["envcryptsecrets"], &[&other, ""]);
    sealer.may_not("patch", "envcryptsecrets/db/status", &own);
    sealer.may_not("update", "envcryptsecrets/db/status", &own);
}

/// The answer to a patch has the values. So `policy` gives no `patch` on Secrets unless it is asked
/// to, and says why.
#[test]
fn who_may_patch_a_secret_can_read_it() {
    let plane = control_plane();
    let (own, named) = (namespace(plane), namespace(plane));
    apply(plane, &["sealer", "-n", &own, "--secrets", "--subject=user:writer"]);
    let writer = Person::new(plane, "writer");
    writer.may("create", "secrets", &own, secret("new"));
    let answer = writer.may("patch", "secrets/plain", &own, json!({}));
    assert_eq!(answer["data"]["a"], "aHVudGVyMg==", "the values of a plain Secret");
    may_none(&writer, &others(&["create", "patch"]), &["secrets"], &[&own]);
    // With names, only these.
    apply(plane, &["sealer", "-n", &named, "--secrets", "--name=db", "--subject=user:writer"]);
    writer.may("create", "secrets", &named, secret("db"));
    writer.may("patch", "secrets/db", &named, label());
    writer.may("patch", "envcryptsecrets/db", &named, label());
    writer.may("create", "envcryptsecrets", &named, resource("other"));
    writer.may_not("patch", "secrets/plain", &named);
    writer.may_not("patch", "envcryptsecrets/other", &named);
}

#[test]
fn a_reader_gets_the_secrets_that_are_named() {
    let plane = control_plane();
    let (own, other) = (namespace(plane), namespace(plane));
    plane.apply(&format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: {own}}}}}"
    ));
    let who = ["--subject=user:reader", "--subject=group:readers"];
    apply(plane, &[&["reader", "-n", &own, "--name=db"][..], &who].concat());
    let reader = Person::new(plane, "reader");
    reader.may("get", "secrets/db", &own, NONE);
    reader.may("get", "envcryptsecrets/db", &own, NONE);
    reader.may_not("get", "secrets/plain", &own);
    reader.may_not("get", "envcryptsecrets/other", &own);
    let kinds = ["secrets", "envcryptsecrets"];
    may_none(&reader, &others(&["get"]), &kinds, &[&own]);
    may_none(&reader, &VERBS, &kinds, &[&other, ""]);
    reader.may_not("patch", "envcryptsecrets/db/status", &own);
    // Without names, all of the namespace.
    apply(plane, &["reader", "-n", &other, "--subject=user:reader"]);
    reader.may("get", "secrets/plain", &other, NONE);
    may_none(&reader, &others(&["get"]), &kinds, &[&other]);
}

#[test]
fn the_check_says_which_rights_the_caller_has() {
    let plane = control_plane();
    let (own, other) = (namespace(plane), namespace(plane));
    let admin = plane.sandbox("admin");
    let check =
        |args: &[&str]| admin.run([&["policy"], args, &["--check", "--as=checked"]].concat());
    let controller = ["controller", "-n", &own, "--restart"];
    // Nothing yet.
    let run = check(&controller);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(!run.stdout.contains("  yes\n"), "{}", run.stdout);
    assert!(run.stderr.contains("error: 24 of 24 rights are missing\nhint: "), "{}", run.stderr);
    let lease = format!("{own}/envcrypt-controller");
    let controller = [&controller[..], &["--lease", &lease]].concat();
    apply(plane, &[&controller[..], &["--subject=user:checked"]].concat());
    let table = check(&controller).succeeds().stdout;
    assert!(!table.contains("  no\n"), "{table}");
    for line in [
        format!("patch envcryptsecrets.envcrypt.dev --subresource=status  {own} "),
        format!("patch deployments.apps                                   {own} "),
        format!("get leases.coordination.k8s.io/envcrypt-controller       {own} "),
        format!("create secrets                                           {own} "),
    ] {
        assert!(table.contains(&line), "{line}: {table}");
    }
    // One is missing, elsewhere, or of another name.
    for args in [
        &["reader", "-n", &other][..],
        &["reader", "-n", &own, "-n", &other],
        &["controller", "--lease", &lease],
        &["people"],
    ] {
        let run = check(args);
        assert!(run.code == Some(1) && run.stdout.contains("  no\n"), "{args:?}: {}", run.stdout);
    }
    check(&["reader", "-n", &own]).succeeds();
    apply(plane, &["reader", "-n", &other, "--name=db", "--subject=user:checked"]);
    check(&["reader", "-n", &other, "--name=db"]).succeeds();
    assert_eq!(check(&["reader", "-n", &other, "--name=db", "--name=web"]).code, Some(1));
    // The caller itself, here the administrator.
    admin.run(["policy", "people", "--check"]).succeeds();
}
