//! The CRD of `EnvcryptSecret`, as small as the tests of the rights need it.

use crate::control_plane::ControlPlane;

/// It has the status subresource, and takes any spec.
pub const ENVCRYPTSECRETS_CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: envcryptsecrets.envcrypt.dev}
spec:
  group: envcrypt.dev
  scope: Namespaced
  names: {kind: EnvcryptSecret, listKind: EnvcryptSecretList, plural: envcryptsecrets, singular: envcryptsecret, shortNames: [evs]}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

/// Installs it, and waits until the API server serves it.
pub fn install_envcryptsecrets_crd(plane: &ControlPlane) {
    plane.apply(ENVCRYPTSECRETS_CRD);
    let name = "crd/envcryptsecrets.envcrypt.dev";
    plane.kubectl(["wait", "--for=condition=Established", "--timeout=60s", name]).succeeds();
}
