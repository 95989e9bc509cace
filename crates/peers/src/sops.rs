//! SOPS: its metadata, values and message authentication code (MAC), as version 3.13 has them.

mod dotenv;
mod error;
mod file;
mod mac;
mod meta;
mod metadata;
mod path;
mod scalar;
mod shamir;
mod value;
mod write;

pub use dotenv::{Dotenv, is_dotenv};
pub use error::{MetadataError, SopsError};
pub(crate) use file::metadata_of;
pub use file::{File, Named, Opened, Options, Part, leftover, named};
pub use metadata::{Group, KeyKind, MasterKey, Metadata, NoKek};
pub use shamir::{Share, combine};
pub use write::{Recipient, write};

/// The version of SOPS whose format is written.
pub const VERSION: &str = "3.13.2";
