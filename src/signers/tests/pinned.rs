//! What a pin keeps, and what `signers trust` makes of it.

use std::sync::{Arc, Mutex};

use super::world::{Key, LIST, Person, RULES, World, serial};
use crate::signers::{Review, changed_here};

#[test]
fn a_copy_that_is_gone_does_not_count_while_there_is_another() {
    let world = World::pinned(&Key::new());
    let clone = |name: &str| {
        world.git(&world.repository("."), &["clone", "-q", "a", name]);
    };
    clone("b");
    assert_eq!(world.demand("b").expect("known"), Some(2));
    world.write(&format!("a/{LIST}"), &Key::new().line("carol"));
    world.commit("a");
    trust(&world, "a");
    clone("c");
    assert!(world.refused("c").contains("has another pin"));
    std::fs::remove_dir_all(world.repository("b")).expect("removed");
    assert_eq!(world.demand("c").expect("like `a`"), Some(2));
}

/// Shows the changes, and accepts them.
fn trust(world: &World, folder: &str) -> String {
    let nobody = Person { is_there: false, says_yes: true, seen: Mutex::default() };
    let session = world.session(Arc::new(nobody));
    let review = Review::of(&session, &world.repository(folder)).expect("reviewed");
    let lines = review.lines.join("\n");
    review.accept(&session).expect("trusted");
    lines
}

#[test]
fn what_all_copies_knew_still_counts_when_all_are_gone() {
    let world = World::pinned(&Key::new());
    world.git(&world.repository("."), &["clone", "-q", "a", "b"]);
    std::fs::remove_dir_all(world.repository("a")).expect("removed");
    world.write("b/.envcrypt.yaml", "rules: [{keks: [local]}]");
    assert!(world.refused("b").contains("removed: {\"namespace\":\"prod\""));
}

#[test]
fn a_new_copy_knows_the_list_that_the_person_changed_in_another_copy() {
    let (alice, world) = (Key::new(), World::pinned(&Key::new()));
    let nobody = Person { is_there: false, says_yes: true, seen: Mutex::default() };
    world.git(&world.repository("."), &["clone", "-q", "a", "b"]);
    world.demand("b").expect("known");
    let file = world.repository("a").join(LIST);
    let old = std::fs::read_to_string(&file).expect("there");
    let new = old.replace(&serial(5), &serial(6)) + &alice.line("carol");
    std::fs::write(&file, &new).expect("written");
    let session = world.session(Arc::new(nobody));
    changed_here(&session, &file, &old, &new).expect("pinned");
    world.commit("a");
    for name in ["c", "d"] {
        world.git(&world.repository("."), &["clone", "-q", "a", name]);
        assert_eq!(world.demand(name).expect("the newer list"), Some(2));
    }
    // The older list stays out of it.
    world.write(&format!("d/{LIST}"), &old);
    assert!(world.refused("d").contains("removed: carol"));
}

const TWO: &str = "
rules:
- {namespace: prod, keks: [local], signers: prod}
- {namespace: dev, keks: [local], signers: dev}
";

/// A list with an ID that begins with this digit.
fn head(digit: char, number: u64) -> String {
    serial(number).replacen('0', &digit.to_string(), 1)
}

#[test]
fn a_signed_list_does_not_count_as_another_list() {
    let (alice, mallory) = (Key::new(), Key::new());
    let world = World::new();
    world.write("a/.envcrypt.yaml", TWO);
    world.write("a/prod", &(head('1', 5) + &alice.line("alice")));
    world.write("a/dev", &(head('2', 5) + &alice.line("alice")));
    world.demand("a").expect("it is the first use");
    let dev = head('2', 6) + &alice.line("alice") + &mallory.line("mallory");
    let put = |name: &str, text: &str| {
        world.write(&format!("a/{name}"), text);
        world.write(&format!("a/{name}.sig"), &alice.sign(text));
    };
    put("dev", &dev);
    world.demand("a").expect("Alice signed it");
    put("prod", &dev);
    let changes = world.refused("a");
    assert!(changes.contains("added: mallory"), "{changes}");
    assert!(changes.contains("is not that of the known list"), "{changes}");
    // Not even the same people: what is pinned keeps its ID.
    world.remove("a/prod.sig");
    world.write("a/prod", &(head('2', 5) + &alice.line("alice")));
    assert!(world.refused("a").contains("its ID was 1"));
    // One list that was copied by hand.
    world.write("a/dev", &(head('1', 7) + &alice.line("alice")));
    world.write("a/prod", &(head('1', 5) + &alice.line("alice")));
    trust(&world, "a");
    put("prod", &(head('1', 8) + &alice.line("alice") + &mallory.line("mallory")));
    assert!(world.refused("a").contains("another list has the same line"));
}

#[test]
fn an_older_list_does_not_come_back_after_one_without_a_serial() {
    let (alice, mallory) = (Key::new(), Key::new());
    let world = World::new();
    world.write("a/.envcrypt.yaml", &RULES.replace("signatures: 2", "signatures: 1"));
    let put = |text: &str| {
        world.write(&format!("a/{LIST}"), text);
        world.write(&format!("a/{LIST}.sig"), &alice.sign(text));
    };
    let with_mallory = serial(6) + &alice.line("alice") + &mallory.line("mallory");
    put(&(serial(5) + &alice.line("alice")));
    world.demand("a").expect("it is the first use");
    put(&with_mallory);
    world.demand("a").expect("signed");
    let id = serial(0).replace("# envcrypt-serial: 0\n", "");
    for by_hand in
        [alice.line("alice"), id + &alice.line("alice"), serial(1) + &alice.line("alice")]
    {
        world.write(&format!("a/{LIST}"), &by_hand);
        assert!(!trust(&world, "a").contains("added: mallory"));
        put(&with_mallory);
        assert!(world.refused("a").contains("added: mallory"), "{by_hand}");
        world.write(&format!("a/{LIST}"), &by_hand);
    }
}

#[test]
fn trust_shows_all_that_it_accepts() {
    let world = World::pinned(&Key::new());
    let one = "rules: [{namespace: prod, keks: [local], signers: list}]";
    world.write("a/sub/.envcrypt.yaml", one);
    world.write("a/sub/list", &Key::new().line("carol"));
    world.write("a/gone/.envcrypt.yaml", one);
    world.write("a/gone/list", &Key::new().line("dave"));
    world.commit("a");
    let lines = trust(&world, "a");
    assert!(lines.contains("`sub/list`: added: carol"), "{lines}");
    assert_eq!(trust(&world, "a"), "nothing changed");
    // Elsewhere than in the working directory.
    world.write("a/sub/list", &Key::new().line("mallory"));
    world.remove("a/gone/.envcrypt.yaml");
    world.commit("a");
    let shown = |folder: &str| {
        let nobody = Person { is_there: false, says_yes: true, seen: Mutex::default() };
        let session = world.session(Arc::new(nobody));
        Review::of(&session, &world.repository(folder)).expect("reviewed").lines.join("\n")
    };
    for lines in [shown("a"), shown("a/sub"), trust(&world, "a")] {
        for line in [
            "`sub/list`: added: mallory",
            "`sub/list`: removed: carol",
            "`gone/.envcrypt.yaml` is gone",
            "`gone/.envcrypt.yaml`: removed: {\"namespace\":\"prod\"",
            "`gone/list`: removed: dave",
        ] {
            assert!(lines.contains(line), "{line}: {lines}");
        }
    }
    assert_eq!(trust(&world, "a"), "nothing changed");
    // What cannot be read is not forgotten.
    world.write("a/sub/list", "?");
    assert!(trust(&world, "a").contains("`sub/.envcrypt.yaml` cannot be read"));
    world.write("a/sub/list", &Key::new().line("eve"));
    assert!(world.refused("a/sub").contains("removed: mallory"));
    // Nor what Git does not track.
    world.write("a/new/.envcrypt.yaml", one);
    world.write("a/new/list", &Key::new().line("frank"));
    assert_eq!(trust(&world, "a/new").matches("added: frank").count(), 1);
    assert!(!trust(&world, "a").contains("new/"));
}
