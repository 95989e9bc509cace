//! What is in `deploy/`: it is what `policy` prints, the API server accepts it, and with it the
//! controller can do its work and nothing else.

mod gitops;
mod manifests;
mod page;
mod rights;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::control_plane::ControlPlane;
use crate::programs::find;
use crate::sandbox::{Run, Sandbox};

/// A file or a directory of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What `policy` prints.
fn policy(args: &[&str]) -> String {
    Sandbox::new().run(["policy"].iter().chain(args)).succeeds().stdout
}

/// What Kustomize makes of a directory of the project.
fn kustomize(directory: &str) -> String {
    kustomize_at(&project(directory))
}

fn kustomize_at(directory: &Path) -> String {
    let mut command = Command::new(find("kubectl"));
    command.arg("kustomize").arg(directory);
    Run::from(command.output().expect("kubectl starts")).succeeds().stdout
}

/// Runs Helm.
fn helm(args: &[&str]) -> Run {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(find("helm"));
    command.env_clear().env("HOME", home.path()).args(args);
    Run::from(command.output().expect("helm starts"))
}

/// Renders the chart for the namespace `envcrypt-system`, with one KEK.
fn render(args: &[&str]) -> Run {
    let chart = project("deploy/chart").display().to_string();
    let fixed = ["template", "envcrypt-controller", &chart, "--set", "keks={hashivault://prod}"];
    helm(&[&fixed, args, &["--namespace", "envcrypt-system"]].concat())
}

/// The objects of a manifest, in the order of their kinds, namespaces and names.
fn objects(manifest: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(manifest);
    let objects = documents.map(|document| Value::deserialize(document).expect("YAML"));
    let mut objects: Vec<Value> = objects.filter(Value::is_object).collect();
    objects.sort_by_key(identity);
    objects
}

/// Applies a manifest with the CustomResourceDefinition, and waits until the API server serves it.
fn install_crd(plane: &ControlPlane, manifest: &str) {
    plane.apply(manifest);
    let name = "crd/envcryptsecrets.envcrypt.dev";
    plane.kubectl(["wait", "--for=condition=Established", "--timeout=60s", name]).succeeds();
}

/// The kind, the namespace and the name.
fn identity(object: &Value) -> [String; 3] {
    let metadata = &object["metadata"];
    [&object["kind"], &metadata["namespace"], &metadata["name"]]
        .map(|text| text.as_str().unwrap_or_default().to_owned())
}

/// The one object of this kind.
fn only(manifest: &str, kind: &str) -> Value {
    let mut found = objects(manifest).into_iter().filter(|object| object["kind"] == kind);
    let object = found.next().unwrap_or_else(|| panic!("no {kind}: {manifest}"));
    assert!(found.next().is_none(), "more than one {kind}");
    object
}

/// The blocks of YAML of a page.
fn yaml_blocks(page: &str) -> Vec<&str> {
    page.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next()).collect()
}

/// Writes each block whose first line is a comment with a path.
pub fn write_files(sandbox: &Sandbox, page: &str) {
    for block in yaml_blocks(page) {
        let path = block.lines().next().and_then(|line| line.strip_prefix("# "));
        if let Some(path) = path.filter(|path| path.ends_with(".yaml")) {
            sandbox.write(path, block);
        }
    }
}

/// Copies `deploy/` into the directory in which the lines of a page run.
pub fn copy_deploy(sandbox: &Sandbox) {
    let mut command = Command::new("cp");
    command.arg("-R").arg(project("deploy")).arg(sandbox.work());
    assert!(command.status().expect("cp starts").success());
}

/// The API server accepts each object of a kind that it knows.
fn check_yaml(plane: &ControlPlane, page: &str) {
    let is_known = |object: &Value| {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        let is_known = ["v1", "apps/v1", "envcrypt.dev/v1alpha1"].contains(&version);
        // An example of the labels of a Deployment has no more than them.
        is_known && !object["spec"].is_null() || object["kind"] == "ConfigMap"
    };
    let checked: Vec<_> =
        yaml_blocks(page).into_iter().flat_map(objects).filter(is_known).collect();
    for object in &checked {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), object.to_string()).expect("written");
        let path = file.path().to_str().expect("UTF-8");
        plane.kubectl(["apply", "--server-side", "--dry-run=server", "-f", path]).succeeds();
    }
}
