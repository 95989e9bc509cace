//! What `git install` writes, and what `check` says of it.

use super::{FILE, Repository};
use crate::sandbox::Sandbox;

#[test]
fn install_writes_once_and_uninstall_removes_exactly_that() {
    let repository = Repository::new();
    let yaml = repository.sandbox.sealed(&["a=1"]);
    repository.sandbox.write("a b/db.yaml", &yaml);
    repository.sandbox.write("plain.yaml", "a: b\n");
    let config = || std::fs::read_to_string(repository.sandbox.work().join(".git/config"));
    let before = config().expect("there");
    let attributes = "*.png binary\n*.yml text diff=envcrypt merge=envcrypt";
    repository.sandbox.write(".gitattributes", attributes);
    let run = repository.run(["git", "install", "--pattern", "secrets/*"]).succeeds();
    assert_eq!(
        run.stdout,
        "drivers written to the settings of this repository\nsecrets/* added to .gitattributes\n"
    );
    assert!(
        run.stderr.contains("1 sealed files do not use the drivers, for example `a b/db.yaml`")
    );
    let run = repository.run(["git", "install"]).succeeds();
    assert_eq!(
        run.stdout,
        "drivers already in the settings of this repository\n\"/a b/db.yaml\" added to .gitattributes\n"
    );
    assert_eq!(run.stderr, "");
    let all = repository.sandbox.read(".gitattributes");
    assert_eq!(
        all,
        format!(
            "{attributes}\nsecrets/* diff=envcrypt merge=envcrypt\n\"/a b/db.yaml\" diff=envcrypt merge=envcrypt\n"
        )
    );
    repository.run(["git", "install"]).succeeds();
    assert_eq!(repository.sandbox.read(".gitattributes"), all);
    repository.run(["git", "uninstall"]).succeeds();
    assert_eq!(repository.sandbox.read(".gitattributes"), format!("{attributes}\n"));
    assert_eq!(config().expect("there"), before);
    repository.run(["git", "uninstall"]).succeeds();
}

#[test]
fn a_file_of_attributes_that_install_made_goes_with_it() {
    let repository = Repository::with_secret(&["a=1"]);
    repository.run(["git", "uninstall"]).succeeds();
    assert!(!repository.sandbox.work().join(".gitattributes").exists());
}

#[test]
fn the_settings_of_the_person_serve_all_repositories() {
    let repository = Repository::new();
    repository.sandbox.write(FILE, repository.sandbox.sealed(&["a=1", "b=1"]));
    repository.run(["git", "install", "--global"]).succeeds();
    let config = repository.sandbox.work().join(".git/config");
    assert!(!std::fs::read_to_string(config).expect("there").contains("envcrypt"));
    repository.commit("base");
    repository.diverge(|r| r.set(FILE, "a", "2"), |r| r.set(FILE, "b", "2"));
    repository.merge().succeeds();
    repository.run(["git", "uninstall", "--global"]).succeeds();
    assert!(repository.sandbox.read(".gitattributes").contains("/db.yaml diff=envcrypt"));
}

/// Git does not follow such a link. A repository could lead it anywhere.
#[test]
fn install_does_not_write_through_a_link_of_the_repository() {
    let repository = Repository::new();
    let target = repository.sandbox.write("../profile", "mine\n");
    std::os::unix::fs::symlink(&target, repository.sandbox.work().join(".gitattributes"))
        .expect("linked");
    repository.sandbox.write(FILE, repository.sandbox.sealed(&["a=1"]));
    let error = repository.run(["git", "install"]);
    assert_eq!(error.code, Some(1));
    assert!(error.stderr.contains("it is a link, which Git does not follow"), "{}", error.stderr);
    assert_eq!(std::fs::read_to_string(target).expect("there"), "mine\n");
}

#[test]
fn check_names_sealed_files_that_git_merges_line_by_line() {
    let repository = Repository::with_secret(&["a=1"]);
    assert!(!repository.run(["check", "."]).succeeds().stderr.contains("line by line"));
    repository.sandbox.write("deep/new.yaml", repository.sandbox.sealed(&["a=1"]));
    let note = "note: Git merges 1 sealed files line by line, for example `deep/new.yaml`: ";
    for path in [".", "deep/new.yaml"] {
        let run = repository.run(["check", path]).succeeds();
        assert!(run.stderr.contains(note), "{}", run.stderr);
    }
    repository.run(["git", "uninstall"]).succeeds();
    repository.commit("without");
    assert_eq!(repository.run(["check", "."]).succeeds().stderr, "");
}

#[test]
fn without_a_repository_it_says_so() {
    let sandbox = Sandbox::with_local_key();
    let error = sandbox.run(["git", "install"]).fails(1);
    assert!(error.contains("is not in a Git repository"), "{error}");
    sandbox.write(FILE, "a: b\n");
    let error = sandbox.run(["git", "resolve", FILE]).fails(1);
    assert!(error.contains("is not in a Git repository"), "{error}");
}

#[test]
fn drivers_that_a_person_wrote_stay() {
    let repository = Repository::with_secret(&["a=1"]);
    let name = "diff.envcrypt.textconv";
    let get = || repository.git(["config", name]).succeeds().stdout;
    let own = "kubectl-envcrypt git textconv --values --";
    repository.git(["config", name, own]).succeeds();
    let note = "note: `diff.envcrypt.textconv` in the settings of this repository stays as it is";
    for command in ["install", "uninstall"] {
        let run = repository.run(["git", command]).succeeds();
        assert!(run.stderr.contains(note), "{}", run.stderr);
        assert_eq!(get(), format!("{own}\n"));
    }
    // What an earlier version wrote is no one's own.
    repository.git(["config", name, "kubectl-envcrypt git textconv"]).succeeds();
    repository.run(["git", "install"]).succeeds();
    assert_eq!(get(), "kubectl-envcrypt git textconv --\n");
}

#[test]
fn a_bare_repository_among_the_files_leads_nowhere() {
    let repository = Repository::with_secret(&["a=1"]);
    let other = repository.sandbox.work().join("../other");
    let path = other.to_str().expect("UTF-8").to_owned();
    repository.git(["init", "-q", &path]).succeeds();
    let deploy = repository.sandbox.work().join("deploy");
    for directory in ["objects", "refs"] {
        std::fs::create_dir_all(deploy.join(directory)).expect("made");
    }
    repository.sandbox.write("deploy/HEAD", "ref: refs/heads/main\n");
    let config =
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ../../other\n";
    repository.sandbox.write("deploy/config", config);
    let install = || {
        let mut command = repository.sandbox.command();
        command.current_dir(&deploy).args(["git", "install", "--pattern=*.yaml"]);
        crate::sandbox::Run::from(command.output().expect("run")).fails(1)
    };
    let error = install();
    assert!(error.contains("safe.bareRepository"), "{error}");
    // Nor does one that is not bare.
    std::fs::create_dir(deploy.join(".git")).expect("made");
    for name in ["HEAD", "objects", "refs", "config"] {
        std::fs::rename(deploy.join(name), deploy.join(".git").join(name)).expect("moved");
    }
    let config = std::fs::read_to_string(deploy.join(".git/config")).expect("there");
    let config = config.replace("../../other", "../../../other");
    std::fs::write(deploy.join(".git/config"), config).expect("written");
    let error = install();
    assert!(error.contains("is not in the work tree of its repository"), "{error}");
    assert!(!other.join(".gitattributes").exists());
}
