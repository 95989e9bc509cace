//! `prepare`: the directory of the socket.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Uid, fchown};

use crate::failure::Failure;

/// Make the directory of the socket, for an init container.
///
/// The directory belongs to the user of the server and has the mode 0750.
#[derive(clap::Args)]
pub struct Args {
    /// The directory.
    #[arg(long, value_name = "DIRECTORY")]
    dir: PathBuf,
    /// The user of the server.
    #[arg(long, value_name = "UID")]
    uid: u32,
    /// The group of the server. By default, its number is the UID.
    #[arg(long, value_name = "GID")]
    gid: Option<u32>,
}

/// Makes the directory.
///
/// # Errors
/// Returns a [`Failure`] with the error of the system.
pub fn run(args: &Args) -> Result<(), Failure> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Failure::new(format!("the directory `{}` cannot be {what}", args.dir.display()))
            .cause(error.to_string())
    };
    fs::create_dir_all(&args.dir).map_err(|error| failed("made", &error))?;
    // Someone else may have put a link there.
    let flags = (OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits();
    let directory = OpenOptions::new().read(true).custom_flags(flags).open(&args.dir);
    let directory = directory.map_err(|error| failed("opened", &error))?;
    // Nobody else may get in before the owner is right.
    directory
        .set_permissions(Permissions::from_mode(0o750))
        .map_err(|error| failed("closed to others", &error))?;
    let (uid, gid) = (Uid::from_raw(args.uid), Gid::from_raw(args.gid.unwrap_or(args.uid)));
    fchown(directory, Some(uid), Some(gid)).map_err(|error| failed("given to the server", &error))
}
