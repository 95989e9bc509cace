//! The commands: one file each, with its arguments and its steps in order.

pub mod apply;
mod asking;
mod changing;
pub mod check;
pub mod complete;
pub mod completion;
mod concerns;
pub mod create;
pub mod diff;
pub mod edit;
pub mod exec;
mod failure;
pub mod get;
mod input;
pub mod inspect;
pub mod kek;
mod local;
pub mod man;
mod many;
mod one;
mod opening;
mod replacing;
pub mod restart;
mod restarting;
pub mod rewrap;
pub mod rotate;
pub mod seal;
mod sealing;
mod selector;
mod session;
pub mod set;
mod sources;
mod tally;
mod targets;
pub mod unset;
pub mod unwrap;
pub mod words;

pub use failure::Failure;

use crate::cli::{Cli, Command};
use session::Session;

/// Does what the command line says.
///
/// # Errors
/// [`Failure`], to be reported.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let session = Session::new(cli.cluster.options());
    match cli.command {
        Command::Create(args) => create::run(*args, &session).await,
        Command::Apply(args) => apply::run(args, &session).await,
        Command::Unwrap(args) => unwrap::run(args, &session).await,
        Command::Inspect(args) => inspect::run(args, &session).await,
        Command::Edit(args) => edit::run(args, &session).await,
        Command::Get(args) => get::run(args, &session).await,
        Command::Diff(args) => diff::run(args, &session).await,
        Command::Exec(args) => exec::run(args, &session).await,
        Command::Check(args) => check::run(&args, &session),
        Command::Seal(args) => seal::run(args, &session).await,
        Command::Set(args) => set::run(args, &session).await,
        Command::Unset(args) => unset::run(args, &session).await,
        Command::Rewrap(args) => rewrap::run(args, &session).await,
        Command::Rotate(args) => rotate::run(args, &session).await,
        Command::Restart(args) => restart::run(args, &session).await,
        Command::Version => words::version(),
        Command::Options => words::options(),
        Command::Delete(args) => words::delete(&args),
        Command::Kek(args) => kek::run(args, &session).await,
        Command::Completion(args) => completion::run(args),
        Command::Man(args) => man::run(&args),
        Command::Complete(args) => complete::run(args).await,
    }
}
