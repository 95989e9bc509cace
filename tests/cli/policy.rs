//! `policy`: what it prints, and what it refuses. `tests/servers/policy` applies it.

use snapbox::{assert_data_eq, str};

use crate::sandbox::Sandbox;

const AWS: &str = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
const GCP: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";
const AZURE: &str = "azurekms://team.vault.azure.net/prod/0123456789abcdef0123456789abcdef";

fn policy(args: &[&str]) -> String {
    let run = Sandbox::new().run(["policy"].iter().chain(args)).succeeds();
    assert_eq!(run.stderr, "");
    run.stdout
}

fn refused(code: i32, args: &[&str]) -> String {
    Sandbox::new().run(["policy"].iter().chain(args)).fails(code)
}

#[test]
fn the_controller_of_named_namespaces_has_no_cluster_role() {
    let text = policy(&["controller", "-n", "prod", "-n", "stage", "-n", "prod", "--restart"]);
    assert!(!text.contains("ClusterRole"), "{text}");
    assert_eq!(text.matches("\nkind: Role\n").count(), 3);
    let (prod, rest) = text.split_once("---\n").expect("several documents");
    assert_data_eq!(
        prod,
        str![[r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: envcrypt-controller
  namespace: prod
rules:
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  verbs: ["get", "list", "watch"]
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets/status"]
  verbs: ["patch"]
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create", "patch"]
- apiGroups: ["apps"]
  resources: ["deployments", "statefulsets", "daemonsets"]
  verbs: ["get", "list", "patch"]

"#]]
    );
    let (_, lease) = rest.split_once("name: envcrypt-controller-lease\n").expect("a Lease");
    assert_data_eq!(
        lease,
        str![[r#"
  namespace: envcrypt-system
rules:
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: ["envcrypt-controller"]
  verbs: ["get", "patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: envcrypt-controller-lease
  namespace: envcrypt-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: envcrypt-controller-lease
subjects:
- kind: ServiceAccount
  namespace: envcrypt-system
  name: envcrypt-controller

"#]]
    );
    let text = policy(&["controller", "--lease=off", "--drift=off"]);
    assert_data_eq!(
        text,
        str![[r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: envcrypt-controller
rules:
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  verbs: ["get", "list", "watch"]
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets/status"]
  verbs: ["patch"]
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get", "create", "patch", "delete"]
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create", "patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: envcrypt-controller
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: envcrypt-controller
subjects:
- kind: ServiceAccount
  namespace: envcrypt-system
  name: envcrypt-controller

"#]]
    );
}

#[test]
fn a_sealer_and_a_reader_have_few_verbs() {
    assert_data_eq!(
        policy(&["sealer", "-nprod", "--subject=user:jane@example.com"]),
        str![[r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: envcrypt-sealer
  namespace: prod
rules:
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  verbs: ["create", "patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: envcrypt-sealer
  namespace: prod
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: envcrypt-sealer
subjects:
- kind: User
  apiGroup: rbac.authorization.k8s.io
  name: jane@example.com

"#]]
    );
    assert_data_eq!(
        policy(&["sealer", "-nprod", "--secrets", "--name=db"]),
        str![[r##"
# The answer to a patch is the whole object: who may patch a Secret may read it. With
# no resourceNames, this is every Secret of the namespace, plain ones too.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: envcrypt-sealer
  namespace: prod
rules:
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  verbs: ["create"]
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  resourceNames: ["db"]
  verbs: ["patch"]
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["create"]
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["db"]
  verbs: ["patch"]

"##]]
    );
    assert_data_eq!(
        policy(&["reader", "-nprod", "--name=db", "--name=web"]),
        str![[r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: envcrypt-reader
  namespace: prod
rules:
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["db", "web"]
  verbs: ["get"]
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  resourceNames: ["db", "web"]
  verbs: ["get"]

"#]]
    );
    let text = policy(&["reader", "-nprod"]);
    assert!(text.starts_with("# Without resourceNames, this reads every Secret"), "{text}");
}

#[test]
fn nobody_but_the_controller_gets_the_status() {
    assert_data_eq!(
        policy(&["people"]),
        str![[r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: envcrypt-view
  labels:
    rbac.authorization.k8s.io/aggregate-to-view: "true"
rules:
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  verbs: ["get", "list", "watch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: envcrypt-edit
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
rules:
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  verbs: ["get", "list", "watch", "create", "update", "patch", "delete"]

"#]]
    );
    for role in [&["sealer", "-nprod", "--secrets"][..], &["reader", "-nprod"], &["people"]] {
        assert!(!policy(role).contains("/status"), "{role:?}");
    }
}

#[test]
fn iam_of_aws_compares_the_encryption_context() {
    let text = policy(&["workload", "-nprod", "--name=db", "-oaws", "--kek", AWS]);
    assert_data_eq!(
        text,
        str![[r#"
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EnvcryptOpen1",
      "Effect": "Allow",
      "Action": "kms:Decrypt",
      "Resource": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
      "Condition": {
        "ForAllValues:StringEquals": {
          "kms:EncryptionContextKeys": [
            "envcrypt.dev/name",
            "envcrypt.dev/namespace"
          ]
        },
        "StringEquals": {
          "kms:EncryptionContext:envcrypt.dev/name": "db",
          "kms:EncryptionContext:envcrypt.dev/namespace": "prod"
        }
      }
    }
  ]
}

"#]]
    );
    let text = policy(&["sealer", "-nprod", "-nstage", "-oaws", "--kek", AWS]);
    assert!(text.contains(r#""Action": "kms:Encrypt""#) && !text.contains("Decrypt"), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let equal = &value["Statement"][0]["Condition"]["StringEquals"];
    let namespaces = serde_json::json!(["prod", "stage"]);
    assert_eq!(equal["kms:EncryptionContext:envcrypt.dev/namespace"], namespaces);
    // Another region may open with the replica, and does not seal with it.
    let replicated = AWS.replace("key/", "key/mrk-");
    let resource = |role| policy(&[role, "-nprod", "-oaws", "--kek", &replicated]);
    assert!(resource("reader").contains("arn:aws:kms:*:111122223333:key/mrk-1234abcd"));
    assert!(resource("sealer").contains("arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd"));
}

#[test]
fn an_alias_is_a_condition_and_needs_to_be_resolved_to_open() {
    let alias = "awskms:///arn:aws:kms:eu-west-1:111122223333:alias/prod";
    assert_data_eq!(
        policy(&["reader", "-nprod", "-oaws", "--kek", alias]),
        str![[r#"
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EnvcryptOpen1",
      "Effect": "Allow",
      "Action": "kms:Decrypt",
      "Resource": "arn:aws:kms:eu-west-1:111122223333:key/*",
      "Condition": {
        "ForAllValues:StringEquals": {
          "kms:EncryptionContextKeys": [
            "envcrypt.dev/name",
            "envcrypt.dev/namespace"
          ]
        },
        "ForAnyValue:StringEquals": {
          "kms:ResourceAliases": "alias/prod"
        },
        "StringEquals": {
          "kms:EncryptionContext:envcrypt.dev/namespace": "prod"
        }
      }
    },
    {
      "Sid": "EnvcryptResolve1",
      "Effect": "Allow",
      "Action": "kms:DescribeKey",
      "Resource": "arn:aws:kms:eu-west-1:111122223333:key/*",
      "Condition": {
        "ForAnyValue:StringEquals": {
          "kms:ResourceAliases": "alias/prod"
        }
      }
    }
  ]
}

"#]]
    );
    let text = policy(&["sealer", "-nprod", "-oaws", "--kek", alias]);
    assert!(text.contains("\"alias/prod\"") && !text.contains("DescribeKey"), "{text}");
}

#[test]
fn one_policy_serves_the_pods_of_every_namespace_on_eks() {
    let args = ["policy", "workload", "--pod-identity", "-oaws", "--kek", AWS];
    let run = Sandbox::new().run(args).succeeds();
    let tag = r#""kms:EncryptionContext:envcrypt.dev/namespace": "${aws:PrincipalTag/kubernetes-namespace}""#;
    assert!(run.stdout.contains(tag), "{}", run.stdout);
    assert!(run.stderr.contains("note: ") && run.stderr.contains("not tested on EKS"));
    let error = refused(2, &["workload", "--pod-identity", "-ovault", "--kek=hashivault://k"]);
    assert!(error.contains("`--pod-identity` needs `-o aws` and `--kek`"), "{error}");
}

#[test]
fn vault_compares_the_end_of_the_associated_data() {
    let account = "--subject=serviceaccount:prod:web";
    let kek = "--kek=hashivault://team/transit/prod";
    assert_data_eq!(
        policy(&["workload", "-nprod", "-ovault", kek, account]),
        str![[r##"
# Opens Secrets of the scopes `strict` and `namespace`. A Secret of the scope `cluster` has
# no associated data, so this policy refuses it.
#
#   bao policy write envcrypt-workload FILE
#   bao write auth/kubernetes/role/envcrypt-workload token_policies=envcrypt-workload /
#     bound_service_account_namespaces=prod bound_service_account_names=web

path "team/transit/decrypt/prod" {
  # Not `create`: with it, a mistyped name makes a new key.
  capabilities = ["update"]
  required_parameters = ["associated_data"]
  # No other parameter, such as `batch_input`.
  allowed_parameters = {
    "ciphertext" = []
    "associated_data" = [
      # {"envcrypt.dev/namespace":"prod"}
      "eyJlbnZjcnlwdC5kZXYvbmFtZXNwYWNlIjoicHJvZCJ9",
      # …","envcrypt.dev/namespace":"prod"}, at each of the three places where base64 can cut it
      "*IiwiZW52Y3J5cHQuZGV2L25hbWVzcGFjZSI6InByb2QifQ==",
      "*IsImVudmNyeXB0LmRldi9uYW1lc3BhY2UiOiJwcm9kIn0=",
      "*iLCJlbnZjcnlwdC5kZXYvbmFtZXNwYWNlIjoicHJvZCJ9",
    ]
  }
}

"##]]
    );
    assert_data_eq!(
        policy(&["sealer", "-nprod", "--name=db", "-ovault", kek]),
        str![[r##"
# Seals Secrets of the scopes `strict` and `namespace`. A Secret of the scope `cluster` has
# no associated data, so this policy refuses it.
#
#   bao policy write envcrypt-sealer FILE

path "team/transit/encrypt/prod" {
  # Not `create`: with it, a mistyped name makes a new key.
  capabilities = ["update"]
  required_parameters = ["associated_data"]
  # No other parameter, such as `batch_input`.
  allowed_parameters = {
    "plaintext" = []
    "associated_data" = [
      # {"envcrypt.dev/name":"db","envcrypt.dev/namespace":"prod"}
      "eyJlbnZjcnlwdC5kZXYvbmFtZSI6ImRiIiwiZW52Y3J5cHQuZGV2L25hbWVzcGFjZSI6InByb2QifQ==",
    ]
  }
}

"##]]
    );
    // In a policy, these mean any path.
    for mark in ["+", "*"] {
        let kek = format!("--kek=hashivault://{mark}/prod");
        refused(2, &["reader", "-nprod", "-ovault", &kek]);
    }
}

#[test]
fn google_and_azure_need_a_key_for_each_namespace_and_say_so() {
    let gcp = policy(&["workload", "-nprod", "-ogcp", "--kek", GCP]);
    assert_data_eq!(
        &gcp,
        str![[r##"
# IAM of Google Cloud cannot see the namespace of a Secret. Use a key for each namespace.

# The project of the GKE cluster. All clusters of a project share their identities.
CLUSTER_PROJECT=${CLUSTER_PROJECT:-p}
CLUSTER_PROJECT_NUMBER=$(gcloud projects describe "$CLUSTER_PROJECT" --format='value(projectNumber)')

gcloud kms keys add-iam-policy-binding k /
  --project p --location l --keyring r /
  --role roles/cloudkms.cryptoKeyDecrypter /
  --member "principalSet://iam.googleapis.com/projects/$CLUSTER_PROJECT_NUMBER/locations/global/workloadIdentityPools/$CLUSTER_PROJECT.svc.id.goog/namespace/prod"

"##]]
    );
    let azure = policy(&[
        "workload",
        "-nprod",
        "-oazure",
        "--kek",
        AZURE,
        "--subject=serviceaccount:prod:web",
    ]);
    assert_data_eq!(
        &azure,
        str![[r##"
# Azure cannot see the namespace of a Secret. Use a key for each namespace.

SUBSCRIPTION=${SUBSCRIPTION:-$(az account show --query id -o tsv)}
az role definition create --role-definition @- <<JSON
{
  "Name": "envcrypt unwrap",
  "IsCustom": true,
  "Description": "Unwrap data keys of sealed Secrets",
  "Actions": [],
  "NotActions": [],
  "DataActions": ["Microsoft.KeyVault/vaults/keys/unwrap/action"],
  "NotDataActions": [],
  "AssignableScopes": ["/subscriptions/$SUBSCRIPTION"]
}
JSON

# A managed identity for the service account prod/web, and the issuer of the cluster:
# az aks show … --query oidcIssuerProfile.issuerUrl
RESOURCE_GROUP=${RESOURCE_GROUP:?} IDENTITY=${IDENTITY:?} ISSUER=${ISSUER:?}
az identity federated-credential create --name envcrypt-prod-web /
  --resource-group "$RESOURCE_GROUP" --identity-name "$IDENTITY" --issuer "$ISSUER" /
  --subject system:serviceaccount:prod:web --audiences api://AzureADTokenExchange
PRINCIPAL=$(az identity show --resource-group "$RESOURCE_GROUP" --name "$IDENTITY" --query principalId -o tsv)

az role assignment create --role 'envcrypt unwrap' /
  --assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal /
  --scope "$(az keyvault show --name team --query id -o tsv)/keys/prod"

"##]]
    );
    let people = ["--subject=user:o'hara@example.com", "--subject=group:$(reboot)"];
    for (output, kek) in [("-ogcp", GCP), ("-oazure", AZURE)] {
        let shared = policy(&["reader", "-nprod", "-nstage", output, "--kek", kek]);
        assert!(shared.contains("# Here, several namespaces have the same key"), "{shared}");
        let text = policy(&[&["sealer", "-nprod", output, "--kek", kek][..], &people].concat());
        assert!(text.contains("o'\\''hara@example.com'") && text.contains("$(reboot)'"), "{text}");
        for script in [&gcp, &azure, &shared, &text] {
            is_valid_shell(script);
        }
    }
}

/// A shell can read it.
fn is_valid_shell(script: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), script).expect("written");
    let status = std::process::Command::new("sh").arg("-n").arg(file.path()).status();
    assert!(status.expect("a shell").success(), "{script}");
}

#[test]
fn without_a_flag_the_keks_are_those_of_the_namespace() {
    let sandbox = Sandbox::new();
    let rules = format!(
        "rules:\n- {{namespace: prod, keks: [local, '{AWS}', 'hashivault://prod']}}\n\
         - {{namespace: stage, keks: ['hashivault://stage']}}\n\
         - {{namespace: dev, keks: ['hashivault://prod']}}\n"
    );
    sandbox.write(".envcrypt.yaml", rules);
    let run = |args: &[&str]| sandbox.run(["policy"].iter().chain(args));
    let text = run(&["reader", "-nprod", "-nstage", "-ndev", "-ovault"]).succeeds().stdout;
    let paths: Vec<_> = text.lines().filter(|line| line.starts_with("path")).collect();
    assert_eq!(paths, ["path \"transit/decrypt/prod\" {", "path \"transit/decrypt/stage\" {"]);
    let (of_prod, of_stage) = text.split_once(paths[1]).expect("both");
    assert!(of_prod.contains(r#""prod"}"#) && of_prod.contains(r#""dev"}"#), "{of_prod}");
    assert!(of_stage.contains(r#""stage"}"#) && !of_stage.contains(r#""dev"}"#), "{of_stage}");
    assert!(run(&["reader", "-nprod", "-oaws"]).succeeds().stdout.contains("key/1234abcd"));
    let error = run(&["reader", "-nstage", "-oaws"]).fails(1);
    assert!(
        error.contains(
            "no key of AWS KMS is named for the namespace `stage`\nhint: name the key with `--kek`"
        ),
        "{error}"
    );
    let text = sandbox
        .command()
        .env("ENVCRYPT_KEK", "hashivault://other")
        .args(["policy", "reader", "-nprod", "-ovault"])
        .output();
    assert!(String::from_utf8_lossy(&text.expect("runs").stdout).contains("transit/decrypt/other"));
}

#[test]
fn what_cannot_be_granted_is_one_error() {
    for (code, args, text) in [
        (1, &["sealer", "-nProd"][..], "`Prod` is not a valid namespace"),
        (1, &["reader", "-nprod", "--name=a/b"], "`a/b` is not a valid"),
        (2, &["sealer"], "--namespace <NAMESPACE>"),
        (
            2,
            &["sealer", "-nprod", "--subject=jane"],
            "write user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME",
        ),
        (2, &["sealer", "-nprod", "-ok8s"], "invalid value 'k8s'"),
        (2, &["sealer", "-nprod", "-oaws", "--check", "--kek", AWS], "cannot be used with"),
        (2, &["controller", "--lease=nowhere"], "write NAMESPACE/NAME, or off"),
        (2, &["controller", "-oaws", "--kek", AWS], "name the namespaces with `-n`"),
        (
            1,
            &["workload", "-nprod"],
            "a workload needs no rights in the cluster\nhint: print its rights for a KMS",
        ),
        (
            1,
            &["reader", "-nprod", "-ogcp", "--kek", AWS],
            "is not a key of Google Cloud KMS\nhint: name only keys of one KMS",
        ),
        (
            1,
            &[
                "reader",
                "-nprod",
                "-oaws",
                "--kek",
                AWS,
                "--kek=age:age1axum2nrl8js3fgrmrdavj3wam5m3z6hsxssyq0dqxkadjz5yjanqj2q6y3",
            ],
            "is not a key of AWS KMS",
        ),
        (
            1,
            &["reader", "-nprod", "-oaws", "--kek=awskms:///alias/prod"],
            "does not include the account and the region of the key\nhint: name the key by its ARN",
        ),
        (
            1,
            &["reader", "-nprod", "-oazure", "--kek=azurekms://h.managedhsm.azure.net/k"],
            "is a key of a managed HSM",
        ),
        (2, &["inject", "--image=a"], "--kek <KEK>"),
        (
            2,
            &["inject", "--kek=hashivault://k", "--image=a", "--policy-name=a: b"],
            "use lower-case letters",
        ),
        (2, &["admission", "all"], "invalid value 'all'"),
    ] {
        let error = refused(code, args);
        assert!(error.contains(text), "{args:?}: {error}");
    }
}

#[test]
fn nothing_connects_unless_it_is_asked_to_check() {
    let sandbox = Sandbox::new().env("KUBECONFIG", "/gone");
    for args in [&["people"][..], &["controller"], &["sealer", "-nprod"], &["admission"]] {
        sandbox.run(["policy"].iter().chain(args)).succeeds();
    }
    sandbox.run(["policy", "people", "--check"]).fails(1);
}

#[test]
fn the_policies_of_admission_name_the_accounts() {
    let guard = policy(&["admission", "crd-guard"]);
    assert_data_eq!(
        &guard,
        str![[r##"
# With the CustomResourceDefinition, the API server deletes each EnvcryptSecret, and then the
# garbage collector deletes each delivered Secret.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: crd-guard.envcrypt.dev
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups: ["apiextensions.k8s.io"]
      apiVersions: ["v1"]
      operations: ["DELETE"]
      resources: ["customresourcedefinitions"]
  # Not `resourceNames`: a deletion of many has no name.
  matchConditions:
  - name: of-envcryptsecrets
    expression: oldObject.metadata.name == "envcryptsecrets.envcrypt.dev"
  validations:
  - message: this would delete every EnvcryptSecret and every delivered Secret; to allow it, annotate the CustomResourceDefinition with envcrypt.dev/may-be-deleted=true
    expression: |-
      has(oldObject.metadata.annotations) &&
      "envcrypt.dev/may-be-deleted" in oldObject.metadata.annotations &&
      oldObject.metadata.annotations["envcrypt.dev/may-be-deleted"] == "true"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: crd-guard.envcrypt.dev
spec:
  policyName: crd-guard.envcrypt.dev
  validationActions: ["Deny"]

"##]]
    );
    let all = policy(&["admission"]);
    assert_eq!(all.matches("kind: ValidatingAdmissionPolicy\n").count(), 4);
    let controller = r#"request.userInfo.username in ["system:serviceaccount:envcrypt-system:envcrypt-controller"]"#;
    assert!(all.contains(controller), "{all}");
    let fence = policy(&["admission", "fence", "--subject=group:ops"]);
    assert!(
        fence.contains(r#"request.userInfo.groups.exists(group, group in ["ops"])"#),
        "{fence}"
    );
    let args = ["admission", "sealed-only", "--exempt=serviceaccount:cert-manager:cert-manager"];
    let sealed_only = policy(&args);
    assert!(sealed_only.contains(r#""system:serviceaccount:cert-manager:cert-manager""#));
    for text in [&guard, &all, &fence, &sealed_only] {
        is_yaml(text);
    }
}

#[test]
fn the_program_runs_before_the_commands_of_pods_with_the_keks_that_are_named() {
    let kek = "--kek=hashivault://prod";
    let text = policy(&["inject", kek, "--kek", AWS, "--image=example/envcrypt@sha256:0f"]);
    is_yaml(&text);
    let entrypoint = format!(
        r#"["/envcrypt/kubectl-envcrypt","exec","--kek=hashivault://transit/prod","--kek={AWS}","#
    );
    assert!(text.contains(&entrypoint) && text.contains("AWS_ROLE_ARN,"), "{text}");
    let text = policy(&["inject", "-nprod", kek, "--image=a", "--spec-env=VAULT_ADDR,HTTPS_PROXY"]);
    assert!(text.contains(r#""--spec-env=HTTPS_PROXY,VAULT_ADDR"]"#), "{text}");
    assert!(text.contains("key: kubernetes.io/metadata.name") && text.contains(r#"["prod"]"#));
    is_yaml(&text);
}

fn is_yaml(text: &str) {
    for document in text.split("---\n") {
        let value: serde_yaml::Value = serde_yaml::from_str(document).expect(document);
        assert!(value["kind"].is_string() && value["metadata"]["name"].is_string(), "{document}");
    }
}
