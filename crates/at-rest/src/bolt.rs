//! Reads the files of etcd, which bbolt writes.
