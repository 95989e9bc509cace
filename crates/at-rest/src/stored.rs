//! How a value in etcd is encrypted.
