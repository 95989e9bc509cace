//! The EncryptionConfiguration of kube-apiserver.
