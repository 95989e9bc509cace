//! etcd, which is only read: over the network, in a file, or through a pod.

mod client;
mod form;
mod pod;
mod source;
mod survey;

pub use client::{Etcd, EtcdError, EtcdOptions};
pub use form::Expected;
pub use pod::{Pod, PodError, PodOptions};
pub use source::{Source, SourceError};
pub use survey::{Survey, is_readable};
