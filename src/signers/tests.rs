//! The attacks of someone who may write to the repository, but not to this machine.

mod pinned;
mod places;
mod world;

use std::sync::{Arc, Mutex};

use super::revision::AtRevision;
use super::variable::Variables;
use crate::git::Repository;
use envcrypt_core::secret::Place;
use envcrypt_core::signature::Demand;
use world::{Key, LIST, Person, RULES, World, serial};

#[test]
fn the_first_use_pins_rules_and_list_and_the_same_state_stays_good() {
    let world = World::pinned(&Key::new());
    let file = world.folder.path().join("config/signers").read_dir().expect("there").next();
    let file = file.expect("a pin").expect("readable").path();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(world.demand("a").expect("known"), Some(2));
    assert_eq!(world.demand("a/deep/er").expect("known"), Some(2));
    // Comments and line ends admit nobody.
    let list = std::fs::read_to_string(world.folder.path().join("a").join(LIST)).expect("there");
    world.write(&format!("a/{LIST}"), &format!("# a comment\r\n{}", list.replace('\n', "\r\n")));
    assert_eq!(world.demand("a").expect("the same people"), Some(2));
    // So does a rule about KEKs alone.
    world.write(
        "a/.envcrypt.yaml",
        &RULES.replace("dev, keks: [local]", "dev, keks: ['age:age1x']"),
    );
    assert_eq!(world.demand("a").expect("the same rules"), Some(2));
}

#[test]
fn no_change_of_a_rule_goes_unnoticed() {
    for (attack, shown) in [
        ("rules: []", "removed: {\"namespace\":\"dev\"}"),
        (
            &RULES.replace("signatures: 2", "signatures: 1"),
            "added: {\"namespace\":\"prod\",\"signatures\":\"1\"",
        ),
        (&RULES.replace("namespace: dev", "namespace: '*'"), "added: {\"namespace\":\"*\"}"),
        (
            &RULES.replace("rules:", "rules:\n- {path: '**', keks: [local]}"),
            "added: {\"path\":\"**\"}",
        ),
        (
            &RULES.replace("signers: .envcrypt/allowed_signers, signatures: 2", ""),
            "removed: {\"namespace\":\"prod\"",
        ),
        (&RULES.replace("signers: .envcrypt/", "signers: "), "added: {\"namespace\":\"prod\""),
    ] {
        let world = World::pinned(&Key::new());
        world.write("a/allowed_signers", &Key::new().line("mallory"));
        world.write("a/.envcrypt.yaml", attack);
        let changes = world.refused("a");
        assert!(changes.contains(shown), "{attack}: {changes}");
    }
}

#[test]
fn rules_cannot_be_removed_hidden_or_cut_off() {
    let world = World::pinned(&Key::new());
    world.write("a/sub/.envcrypt.yaml", "rules: [{keks: [local]}]");
    assert!(world.refused("a/sub").contains("is new, and hides the rules"));
    world.remove("a/sub/.envcrypt.yaml");
    // A submodule has its own top.
    world.write("a/sub/.git", "gitdir: ../.git/modules/sub");
    assert!(world.refused("a/sub").contains("a repository of its own"));
    world.write("a/sub/.envcrypt.yaml", &RULES.replace("signatures: 2", ""));
    world.write(&format!("a/sub/{LIST}"), &Key::new().line("mallory"));
    assert!(world.refused("a/sub").contains("is new, and hides the rules"));
    world.remove("a/.envcrypt.yaml");
    assert!(world.refused("a").contains("is gone"));
    assert!(world.refused("a/sub").contains("is new"));
}

#[test]
fn nested_rules_that_were_there_at_first_use_are_no_change() {
    let world = World::new();
    world.write("a/.envcrypt.yaml", RULES);
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    world.write("a/sub/.envcrypt.yaml", "rules: [{keks: [local]}]");
    world.commit("a");
    assert_eq!(world.demand("a").expect("first use"), Some(2));
    assert_eq!(world.demand("a/sub").expect("known"), None);
    // Without them, the outer rules count again.
    world.remove("a/sub/.envcrypt.yaml");
    assert_eq!(world.demand("a/sub").expect("known"), Some(2));
}

#[test]
fn a_new_list_needs_signatures_of_the_old_one_and_a_greater_serial() {
    let (alice, bob, mallory) = (Key::new(), Key::new(), Key::new());
    let world = World::new();
    world.write("a/.envcrypt.yaml", RULES);
    let old = serial(5) + &alice.line("alice") + &bob.line("bob");
    world.write(&format!("a/{LIST}"), &old);
    world.demand("a").expect("it is the first use");
    let new = serial(6) + &alice.line("alice") + &bob.line("bob") + &mallory.line("mallory");
    world.write(&format!("a/{LIST}"), &new);
    assert!(world.refused("a").contains("added: mallory ssh-ed25519 SHA256:"));
    let signature = format!("a/{LIST}.sig");
    for attack in [
        mallory.sign(&new),
        alice.sign(&new),
        alice.sign(&new).repeat(2),
        alice.sign(&new) + &mallory.sign(&new),
        alice.sign(&old) + &bob.sign(&old),
    ] {
        world.write(&signature, &attack);
        assert!(world.refused("a").contains("does not allow it: "), "{attack}");
    }
    world.write(&signature, &(alice.sign(&new) + &bob.sign(&new)));
    assert_eq!(world.demand("a").expect("signed"), Some(2));
    world.remove(&signature);
    assert_eq!(world.demand("a").expect("pinned"), Some(2));
    // The list with the stolen key was signed, too.
    world.write(&format!("a/{LIST}"), &old);
    world.write(&signature, &(alice.sign(&old) + &bob.sign(&old)));
    assert!(world.refused("a").contains("its serial is not greater"));
}

#[test]
fn another_copy_is_known_by_its_first_commit_and_history_from_elsewhere_does_not_choose() {
    let world = World::pinned(&Key::new());
    let clone = |name: &str| {
        world.git(&world.repository("."), &["clone", "-q", "a", name]);
    };
    clone("b");
    assert_eq!(world.demand("b").expect("known"), Some(2));
    clone("c");
    world.write("c/.envcrypt.yaml", "rules: [{keks: [local]}]");
    assert!(world.refused("c").contains("removed: {\"namespace\":\"prod\""));
    // A repository of the attacker, which this machine has pinned, too.
    world.git(&world.repository("evil"), &["init", "-q"]);
    world.write("evil/.envcrypt.yaml", RULES);
    world.write(&format!("evil/{LIST}"), &Key::new().line("mallory"));
    world.commit("evil");
    assert_eq!(world.demand("evil").expect("first use"), Some(2));
    let a = world.repository("a");
    world.git(&a, &["fetch", "-q", "../evil"]);
    world.git(
        &a,
        &["merge", "-q", "--allow-unrelated-histories", "-X", "theirs", "FETCH_HEAD", "-m", "m"],
    );
    assert!(world.refused("a").contains("added: mallory"));
    clone("d");
    assert!(world.refused("d").contains("shares its first commit, and has another pin"));
}

#[test]
fn a_person_sees_the_change_and_is_asked_once() {
    let world = World::pinned(&Key::new());
    world.write(&format!("a/{LIST}"), &Key::new().line("mallory"));
    for says_yes in [false, true] {
        let person = Arc::new(Person { is_there: true, says_yes, seen: Mutex::default() });
        let session = world.session(person.clone());
        for folder in ["a", "a/x", "a", "a/y"] {
            assert_eq!(world.demand_of(&session, folder).is_ok(), says_yes);
        }
        let seen = person.seen.lock().expect("whole").join("\n");
        assert!(seen.contains("removed: alice") && seen.contains("added: mallory"), "{seen}");
        assert_eq!(seen.matches('?').count(), 1, "{seen}");
    }
    assert_eq!(world.demand("a").expect("accepted"), Some(2));
}

#[test]
fn without_a_list_that_can_be_read_nothing_is_taken() {
    let world = World::new();
    world.write("a/.envcrypt.yaml", RULES);
    let error = |wanted: &str| {
        let error = world.demand("a").expect_err("refused").to_string();
        assert!(error.contains(wanted), "{error}");
    };
    error("does not exist");
    world.write(&format!("a/{LIST}"), "# nobody\n");
    error("names nobody");
    world.write(&format!("a/{LIST}"), "alice cert-authority ssh-ed25519 AAAA\n");
    error("line 1: `alice` is a certificate authority");
    world.remove(&format!("a/{LIST}"));
    std::os::unix::fs::symlink("/etc/hostname", world.folder.path().join("a").join(LIST))
        .expect("linked");
    error("leads out of the repository");
    world.write("a/.envcrypt.yaml", &RULES.replace(".envcrypt/allowed_signers", "../signers"));
    world.write("signers", &Key::new().line("mallory"));
    error("leads out of the repository");
    // A pin that is damaged is not forgotten.
    let world = World::pinned(&Key::new());
    let pin = world.folder.path().join("config/signers").read_dir().expect("there").next();
    std::fs::write(pin.expect("a pin").expect("readable").path(), "{").expect("written");
    assert!(world.demand("a").is_err());
}

#[test]
fn a_directory_without_git_is_known_by_its_path() {
    let world = World { folder: tempfile::tempdir().expect("a directory") };
    // The search for rules ends here, whatever others have in the directory above.
    world.write(".envcrypt.yaml", "rules: []");
    world.write("a/.envcrypt.yaml", RULES);
    world.write(&format!("a/{LIST}"), &Key::new().line("alice"));
    assert_eq!(world.demand("a/b").expect("first use"), Some(2));
    world.write("a/b/.envcrypt.yaml", "rules: [{keks: [local]}]");
    assert!(world.refused("a/b").contains("hides"));
    world.remove("a/b/.envcrypt.yaml");
    world.remove("a/.envcrypt.yaml");
    assert!(world.refused("a/b").contains("is gone"));
}

#[test]
fn a_list_that_the_environment_names_lies_outside_of_the_repository() {
    let world = World::pinned(&Key::new());
    let nobody = Person { is_there: false, says_yes: true, seen: Mutex::default() };
    let session = world.session(Arc::new(nobody));
    let demand = |file: Option<&str>, number: Option<&str>| {
        let file = file.map(|file| world.folder.path().join(file).into_os_string());
        let variables = Variables { signers: file, signatures: number.map(Into::into) };
        let demand = variables.demand(&session, &[&world.repository("a")]);
        demand.map(|demand| demand.map(|demand| demand.needed.get())).map_err(|e| e.to_string())
    };
    world.write("list", &Key::new().line("carol"));
    world.write("nobody", "");
    assert_eq!(demand(None, None), Ok(None));
    assert_eq!(demand(Some("list"), None), Ok(Some(1)));
    assert_eq!(demand(Some("list"), Some("16")), Ok(Some(16)));
    for number in ["0", "17", "-1", "two"] {
        assert!(demand(Some("list"), Some(number)).expect_err("refused").contains("from 1 to 16"));
    }
    assert!(demand(None, Some("1")).expect_err("refused").contains("but not `ENVCRYPT_SIGNERS`"));
    assert!(demand(Some("nobody"), None).expect_err("refused").contains("names nobody"));
    assert!(demand(Some("gone"), None).expect_err("refused").contains("does not exist"));
    let inside = format!("a/{LIST}");
    assert!(demand(Some(&inside), None).expect_err("refused").contains("that it should guard"));
    let link = world.folder.path().join("link");
    std::os::unix::fs::symlink(world.folder.path().join(inside), link).expect("linked");
    assert!(demand(Some("link"), None).expect_err("refused").contains("that it should guard"));
}

#[test]
fn the_same_people_with_a_signed_serial_keep_older_lists_out() {
    let (alice, bob, stolen) = (Key::new(), Key::new(), Key::new());
    let people = alice.line("alice") + &bob.line("bob");
    let world = World::new();
    world.write("a/.envcrypt.yaml", RULES);
    let put = |text: &str| {
        world.write(&format!("a/{LIST}"), text);
        world.write(&format!("a/{LIST}.sig"), &(alice.sign(text) + &bob.sign(text)));
    };
    put(&(serial(5) + &people));
    world.demand("a").expect("it is the first use");
    // This machine never saw the list in between, which has the stolen key.
    put(&(serial(10) + &people));
    world.demand("a").expect("the same people");
    put(&(serial(7) + &people + &stolen.line("carol")));
    assert!(world.refused("a").contains("its serial is not greater"));
}

#[test]
fn a_commit_brings_its_own_rules_and_list() {
    let alice = Key::new();
    let world = World::pinned(&alice);
    let a = world.repository("a");
    let at = |rev: &str| {
        let commit = Repository::of(&a).expect("a repository").commit(rev).expect("a commit");
        AtRevision::new(&a, commit)
    };
    let demand = |namespace: &str, folder: &str| {
        let nobody = Person { is_there: false, says_yes: true, seen: Mutex::default() };
        let namespace = namespace.parse().expect("a name");
        let place = Place { namespace, name: "db".parse().expect("a name") };
        let path = world.repository(folder).join("db.yaml");
        let session = world.session(Arc::new(nobody));
        at("main").and_then(|at| at.demands(&session, &place, &path, &[])).map(|demands| {
            let shown =
                |demand: &Demand| (demand.needed.get(), demand.signers.list()[0].principal.clone());
            demands.first().map(shown)
        })
    };
    world.git(&a, &["branch", "-M", "main"]);
    world.git(&a, &["checkout", "-q", "-b", "change"]);
    let known = Some((2, "alice".to_owned()));
    for attack in ["rules: []", &RULES.replace("signatures: 2", "signatures: 1")] {
        world.write("a/.envcrypt.yaml", attack);
        world.write("a/sub/.envcrypt.yaml", attack);
        world.write(&format!("a/{LIST}"), &Key::new().line("mallory"));
        world.commit("a");
        assert_eq!(demand("prod", "a").expect("of main"), known);
        assert_eq!(demand("prod", "a/sub").expect("of main"), known);
    }
    // Rules that are new in the change are stricter than none.
    world.remove("a/sub/.envcrypt.yaml");
    world.write("a/.envcrypt.yaml", &RULES.replace("namespace: dev, keks", "namespace: x, keks"));
    assert!(demand("dev", "a").is_err());
    // A link in a commit leads nowhere.
    world.git(&a, &["checkout", "-q", "-f", "main"]);
    world.remove(&format!("a/{LIST}"));
    std::os::unix::fs::symlink("/etc/hostname", a.join(LIST)).expect("linked");
    world.commit("a");
    assert!(
        demand("prod", "a").expect_err("a link").to_string().contains("leads out of the commit")
    );
    world.git(&a, &["rm", "-q", LIST]);
    world.git(&a, &["commit", "-qm", "gone"]);
    assert!(demand("prod", "a").expect_err("gone").to_string().contains("does not exist"));
}
