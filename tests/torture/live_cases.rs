//! Every command that writes to a cluster, with what it starts from.

use crate::cases::{Case, case, key};
use crate::home::Home;

pub const LIVE: &[Case] = &[
    case("create", "create new -n {ns} --kek {kek} --from-stdin password", |_| {}).reads(),
    case(
        "create, as a resource",
        "create new -n {ns} --kek {kek} --kind envcryptsecret --from-stdin password",
        |_| {},
    )
    .reads(),
    case("apply", "apply -f deploy", files),
    case("apply, newer files", "apply -f deploy", |home| {
        files(home);
        home.run("apply -f deploy");
        home.run("rotate -f deploy");
    }),
    case("apply, many", "apply -f many", many),
    case("apply --unwrap", "apply --unwrap -f deploy", files),
    case("rotate", "rotate -n {ns} -l app", live),
    case("rewrap", "rewrap a b evs/c -n {ns} --kek {kek} --kek {other}", live),
    case("set", "set a -n {ns} --from-stdin password", live).reads(),
    case("set, a resource", "set evs/c -n {ns} --from-stdin password", live).reads(),
    case("unset", "unset a -n {ns} long --ignore-not-found", live),
    case("edit", "edit a -n {ns}", live).runs_others(),
    case("sign", "sign -n {ns} -l app", |home| {
        live(home);
        key(home);
    })
    .runs_others(),
    case("seal, by name", "seal a b -n {ns} --replace --yes --kek {kek}", plain),
    case("seal, by label", "seal -l app -n {ns} --replace --yes --kek {kek}", plain),
    case("unwrap", "unwrap a -n {ns} --replace --yes", live),
    case("at-rest reencrypt", "at-rest reencrypt configmaps", stale),
];

/// Two Secrets and an EnvcryptSecret in files.
pub fn files(home: &Home) {
    for (name, kind) in [("a", "secret"), ("b", "secret"), ("c", "envcryptsecret")] {
        home.create_in(&format!("deploy/{name}.yaml"), name, &["--labels=app=web", "--kind", kind]);
    }
}

/// The same in the cluster, and no files.
pub fn live(home: &Home) {
    for (name, kind) in [("a", "secret"), ("b", "secret"), ("c", "envcryptsecret")] {
        home.create(name, &["--labels=app=web", "--kind", kind]);
    }
}

/// Two plain Secrets in the cluster.
pub fn plain(home: &Home) {
    for name in ["a", "b"] {
        home.create_in(&format!("{name}.yaml"), name, &["--labels=app=web"]);
        home.run(&format!("apply --unwrap -f {name}.yaml"));
        std::fs::remove_file(home.sandbox.work().join(format!("{name}.yaml"))).expect("removed");
    }
}

/// So many Secrets in files that the command lists what is there. They are not bound to their
/// names, so that one sealing serves for all.
fn many(home: &Home) {
    home.create_in("many/00.yaml", "many-00", &["--scope=namespace"]);
    let first = home.sandbox.read("many/00.yaml");
    for number in 1..20 {
        let name = format!("name: many-{number:02}");
        home.sandbox
            .write(&format!("many/{number:02}.yaml"), first.replace("name: many-00", &name));
    }
}

/// ConfigMaps that etcd got before their encryption was configured.
fn stale(home: &Home) {
    for number in 0..6 {
        let namespace = &home.namespace;
        let object = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{number}","namespace":"{namespace}","uid":"00000000-0000-4000-8000-00000000000{number}","creationTimestamp":"2026-01-01T00:00:00Z"}},"data":{{"key":"{number}"}}}}"#
        );
        let key = format!("/registry/configmaps/{namespace}/c{number}");
        home.cluster().put(&key, object.as_bytes());
    }
}
