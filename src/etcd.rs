//! etcd, which is only read: over the network, in a file, or through a pod.

mod client;
mod pod;
mod source;

pub use client::{Etcd, EtcdError, EtcdOptions};
pub use pod::{Pod, PodError, PodOptions};
pub use source::{Row, Source, SourceError};
