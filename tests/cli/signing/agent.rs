//! Keys that are in an agent alone.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::Person;

/// An agent that ends with the test.
struct Agent {
    child: Child,
    socket: String,
}

impl Agent {
    fn start(person: &Person) -> Self {
        let socket = person.home().join("agent").to_str().expect("UTF-8").to_owned();
        let mut command = Command::new("ssh-agent");
        command.args(["-D", "-a", &socket]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("ssh-agent runs");
        // It prints where it listens once it does.
        let stdout = child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        Self { child, socket }
    }

    fn add(&self, person: &Person, key: &str) {
        let path = person.home().join(key);
        let mut command = Command::new("ssh-add");
        command.arg("-q").arg(&path).env("SSH_AUTH_SOCK", &self.socket);
        assert!(command.status().expect("ssh-add runs").success());
        std::fs::remove_file(path).expect("removed");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person whose private key is in an agent alone.
fn with_agent() -> (Person, Agent) {
    let mut person = Person::with_key();
    let agent = Agent::start(&person);
    agent.add(&person, "id");
    person.sandbox = person.sandbox.env("SSH_AUTH_SOCK", agent.socket.as_str());
    (person, agent)
}

#[test]
fn a_file_with_the_public_key_is_enough_for_a_key_in_the_agent() {
    let (person, _agent) = with_agent();
    person.signs();
    assert!(person.is_signed_by("id"));
}

#[test]
fn a_literal_key_is_one_of_the_agent() {
    for prefix in ["", "key::"] {
        let (person, _agent) = with_agent();
        person.uses(&format!("{prefix}{}", person.public_key("id")));
        person.signs();
        assert!(person.is_signed_by("id"));
    }
}

#[test]
fn the_command_of_git_for_the_default_key_is_used_last() {
    let (person, _agent) = with_agent();
    person.config("gpg.format", "ssh");
    person.config("user.signingKey", "");
    person.config("gpg.ssh.defaultKeyCommand", "ssh-add -L");
    person.signs();
    assert!(person.is_signed_by("id"));
    person.config("gpg.ssh.defaultKeyCommand", "echo nothing");
    let error = person.does_not_sign();
    assert!(error.contains("it printed no SSH key"), "{error}");
}

#[test]
fn without_the_agent_or_its_key_the_error_says_to_add_it() {
    let (mut person, agent) = with_agent();
    person.key("other", &["-t", "ed25519"], "");
    person.uses(&person.public_key("other"));
    let error = person.does_not_sign();
    assert!(error.contains("cause: Couldn't find key in agent\n"), "{error}");
    assert!(error.contains("hint: add the key to your agent with `ssh-add FILE`"), "{error}");
    drop(agent);
    person.sandbox = person.sandbox.env("SSH_AUTH_SOCK", "");
    let error = person.does_not_sign();
    assert!(error.contains("cause: Couldn't get agent socket\n"), "{error}");
    person.uses("~/id.pub");
    let error = person.does_not_sign();
    assert!(error.contains("hint: add the key to your agent with `ssh-add FILE`"), "{error}");
}
