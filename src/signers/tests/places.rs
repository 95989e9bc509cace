//! Files that are known by several paths, or by none.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::super::{AtRevision, Variables, demand, demands};
use super::world::{Key, LIST, Person, RULES, World};
use crate::failure::Failure;
use crate::git::Repository;
use crate::session::{Contexts, Session};
use envcrypt_core::secret::Place;

const BY_PATH: &str = "
rules:
- {path: 'prod/**', keks: [local], signers: .envcrypt/allowed_signers, signatures: 2}
";

fn session(world: &World) -> Session {
    let nobody = Person { is_there: false, says_yes: true, seen: Mutex::default() };
    world.session(Arc::new(nobody))
}

fn db() -> Place {
    Place { namespace: "prod".parse().expect("a name"), name: "db".parse().expect("a name") }
}

fn needed(world: &World, path: Option<&Path>) -> Result<Option<usize>, Failure> {
    Ok(demand(&session(world), &db(), path)?.map(|demand| demand.needed.get()))
}

fn pins(world: &World) -> usize {
    world.folder.path().join("config/signers").read_dir().expect("there").count()
}

#[test]
fn a_link_in_the_place_of_a_directory_does_not_hide_its_rules() {
    let world = World::new();
    let a = world.repository("a");
    world.write("a/prod/.envcrypt.yaml", RULES);
    world.write(&format!("a/prod/{LIST}"), &Key::new().line("alice"));
    world.commit("a");
    assert_eq!(world.demand("a/prod").expect("first use"), Some(2));
    std::fs::rename(a.join("prod"), a.join("other")).expect("renamed");
    world.remove("a/other/.envcrypt.yaml");
    symlink("other", a.join("prod")).expect("linked");
    assert!(world.refused("a/prod").contains("is gone"));
    // By a second link, too.
    symlink("prod", a.join("second")).expect("linked");
    assert!(world.refused("a/second").contains("is gone"));
    // The link leads to a submodule.
    world.git(&world.repository("a/other"), &["init", "-q"]);
    assert!(world.refused("a/prod").contains("is gone"));
}

#[test]
fn a_rule_for_a_path_counts_for_links_in_it_and_to_it() {
    let world = World::new();
    let a = world.repository("a");
    world.write("a/.envcrypt.yaml", BY_PATH);
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    world.write("a/prod/db.yaml", "");
    world.commit("a");
    assert_eq!(world.demand("a/prod").expect("first use"), Some(2));
    assert_eq!(world.demand("a/dev").expect("known"), None);
    symlink("../prod/db.yaml", a.join("dev/link.yaml")).expect("linked");
    assert_eq!(needed(&world, Some(&a.join("dev/link.yaml"))).expect("known"), Some(2));
    std::fs::rename(a.join("prod"), a.join("other")).expect("renamed");
    symlink("other", a.join("prod")).expect("linked");
    assert_eq!(world.demand("a/prod").expect("known"), Some(2));
    assert_eq!(needed(&world, Some(&a.join("dev/link.yaml"))).expect("known"), Some(2));
    assert_eq!(needed(&world, Some(&a.join("dev/../prod/db.yaml"))).expect("known"), Some(2));
}

#[test]
fn links_that_were_there_at_first_use_are_no_change() {
    let world = World::new();
    world.write("a/.envcrypt.yaml", RULES);
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    world.write("a/sub/.envcrypt.yaml", "rules: [{keks: [local]}]");
    symlink("sub", world.repository("a").join("link")).expect("linked");
    world.commit("a");
    assert_eq!(world.demand("a").expect("first use"), Some(2));
    assert_eq!(world.demand("a/link").expect("known"), None);
    // A link to the whole repository is not another one.
    symlink("a", world.folder.path().join("b")).expect("linked");
    let path = world.folder.path().join("b/db.yaml");
    assert_eq!(needed(&world, Some(&path)).expect("known"), Some(2));
    assert_eq!(pins(&world), 1);
}

#[test]
fn without_a_path_every_condition_on_one_may_hold() {
    let world = World::new();
    world.write("a/.envcrypt.yaml", &(BY_PATH.to_owned() + "- {keks: [local]}"));
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    let session = session(&world);
    let a = world.repository("a");
    let nearest = session.rules_of(&a).expect("valid");
    let rules = |path: Option<&Path>| {
        let path = path.map(|path| a.join(path));
        let namespace = db().namespace;
        let found = session
            .signing_rules(&namespace, path.as_deref(), nearest.as_deref(), Contexts::InUse)
            .expect("valid");
        found.len()
    };
    assert_eq!(rules(None), 1);
    assert_eq!(rules(Some(Path::new("dev/db.yaml"))), 0);
}

#[test]
fn a_check_takes_the_rules_of_every_context() {
    let world = World::new();
    let rule = "{context: prod-eu, keks: [local], signers: .envcrypt/allowed_signers}";
    world.write("a/.envcrypt.yaml", &format!("rules: [{rule}, {{keks: [local]}}]"));
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    world.commit("a");
    let path = world.repository("a").join("db.yaml");
    let count = |contexts| {
        demands(&session(&world), &db(), Some(&path), contexts).expect("first use").len()
    };
    assert_eq!((count(Contexts::Any), count(Contexts::InUse)), (1, 0));
}

#[test]
fn a_commit_has_links_to_rules_and_a_secret_keeps_what_it_needed() {
    let world = World::new();
    let a = world.repository("a");
    world.write("a/.envcrypt.yaml", BY_PATH);
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    for folder in ["a/sub/prod", "a/deep"] {
        world.repository(folder);
    }
    symlink("../.envcrypt.yaml", a.join("sub/.envcrypt.yaml")).expect("linked");
    symlink("../deep/../.envcrypt", a.join("sub/.envcrypt")).expect("linked");
    // Nobody needs these rules.
    world.write("a/deep/.envcrypt.yaml", "rules: 1");
    world.write("a/loop/x", "");
    symlink(".envcrypt.yaml", a.join("loop/.envcrypt.yaml")).expect("linked");
    world.commit("a");
    let commit = Repository::of(&a).expect("a repository").commit("HEAD").expect("a commit");
    let at = AtRevision::new(&a, commit).expect("readable");
    let session = session(&world);
    let needed = |path: &str, before: &[&Path]| {
        let demands = at.demands(&session, &db(), &a.join(path), before);
        demands.map(|demands| demands.iter().map(|demand| demand.needed.get()).collect::<Vec<_>>())
    };
    assert_eq!(needed("sub/prod/db.yaml", &[]).expect("linked"), [2]);
    assert_eq!(needed("other/db.yaml", &[]).expect("free"), [0; 0]);
    assert_eq!(needed("other/db.yaml", &[&a.join("prod/db.yaml")]).expect("moved"), [2]);
    let error = needed("loop/db.yaml", &[]).expect_err("a loop").to_string();
    assert!(error.contains("leads out of the commit"), "{error}");
}

#[test]
fn an_empty_variable_is_an_error_and_no_related_repository_has_the_list() {
    let world = World::pinned(&Key::new());
    let session = session(&world);
    let outer = world.repository("outer");
    world.git(&outer, &["init", "-q"]);
    let source = world.repository("a");
    let source = source.to_str().expect("UTF-8");
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, "sub"];
    world.git(&outer, &add);
    world.write("outer/list", &Key::new().line("mallory"));
    world.write("list", &Key::new().line("carol"));
    symlink("../list", outer.join("link")).expect("linked");
    let demand = |file: &str, number: Option<&str>, guarded: &str| {
        let signers = match file {
            "" => "".into(),
            file => world.folder.path().join(file).into_os_string(),
        };
        let variables = Variables { signers: Some(signers), signatures: number.map(Into::into) };
        let demand = variables.demand(&session, &[&world.repository(guarded)]);
        demand.map(|demand| demand.is_some()).map_err(|error| error.to_string())
    };
    let error = |found: Result<bool, String>| found.expect_err("refused");
    assert_eq!(error(demand("", None, "a")), "`ENVCRYPT_SIGNERS` is set, but empty");
    assert_eq!(error(demand("list", Some(""), "a")), "`ENVCRYPT_SIGNATURES` is set, but empty");
    assert_eq!(demand("list", None, "outer/sub"), Ok(true));
    for (file, guarded) in [
        ("outer/list", "outer/sub"),
        (&format!("outer/sub/{LIST}"), "outer"),
        ("outer/link", "outer"),
        ("outer/link", "outer/sub"),
    ] {
        assert!(error(demand(file, None, guarded)).contains("that it should guard"), "{file}");
    }
    // A repository that only lies in another one is not part of it.
    world.git(&world.repository("outer/own"), &["init", "-q"]);
    assert_eq!(demand("outer/list", None, "outer/own"), Ok(true));
}

#[test]
fn worktrees_and_shallow_clones_are_known() {
    // The pin is older than the first commit.
    let world = World::new();
    let a = world.repository("a");
    world.write("a/.envcrypt.yaml", RULES);
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    assert_eq!(world.demand("a").expect("first use"), Some(2));
    world.commit("a");
    world.git(&a, &["worktree", "add", "-q", "-b", "evil", "../evil"]);
    world.write(&format!("evil/{LIST}"), &Key::new().line("mallory"));
    assert!(world.refused("evil").contains("added: mallory"));
    // A clone, after the pin was used again.
    assert_eq!(world.demand("a").expect("known"), Some(2));
    world.git(&a, &["clone", "-q", ".", "../clone"]);
    world.git(&world.repository("clone"), &["remote", "remove", "origin"]);
    world.write(&format!("clone/{LIST}"), &Key::new().line("mallory"));
    assert!(world.refused("clone").contains("added: mallory"));
    // A branch without a common commit.
    world.git(&a, &["worktree", "add", "-q", "--detach", "../orphan"]);
    let orphan = world.repository("orphan");
    world.git(&orphan, &["checkout", "-q", "--orphan", "other"]);
    world.write(&format!("orphan/{LIST}"), &Key::new().line("mallory"));
    world.commit("orphan");
    assert!(world.refused("orphan").contains("added: mallory"));
    // Clones of the same URL without common commits.
    let url = format!("file://{}", a.display());
    for name in ["shallow", "shallow2"] {
        world.git(&a, &["clone", "-q", "--depth", "1", &url, &format!("../{name}")]);
        world.write(&format!("{name}/{LIST}"), &Key::new().line("mallory"));
        assert!(world.refused(name).contains("added: mallory"));
    }
}

#[test]
fn a_url_is_pinned_without_its_password() {
    let world = World::pinned(&Key::new());
    let a = world.repository("a");
    world.git(&a, &["remote", "add", "origin", "https://me:hunter2@example.com/a@b/c.git/"]);
    world.demand("a").expect("known");
    let pin = world.folder.path().join("config/signers").read_dir().expect("there").next();
    let text = std::fs::read_to_string(pin.expect("a pin").expect("readable").path());
    let text = text.expect("readable");
    assert!(text.contains("\"origin\": \"https://example.com/a@b/c.git\""), "{text}");
}
