//! `convert`: writes sealed Secrets in files as custom resources, or the reverse. It opens nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::batch::progress::{Done, Progress};
use crate::failure::{Failure, SelectError};
use crate::files;
use crate::select::files::{FileArgs, is_no_manifest, read_file, tell_passed_over};
use crate::select::kind::SealedKind;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::manifest::{self, Document, ManifestError, Object};
use envcrypt_core::secret::{Namespace, is_note};

/// Convert sealed Secrets in files to EnvcryptSecrets, or the reverse.
///
/// An EnvcryptSecret is a custom resource. envcrypt-controller makes the plain Secret of the same
/// namespace and name from it. The sealed values and the seal stay the same, so the command needs
/// neither a KMS nor a cluster. Labels and annotations of a Secret become those of
/// `spec.template`, from which the controller takes those of the plain Secret.
///
/// The command prints the file with its Secrets converted. With -i, it changes the file in place.
/// Everything else in the file stays as it is, including comments.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt convert -f FILE --to envcryptsecret|secret [-i] [flags]",
    after_help = "Examples:
  # Convert all sealed Secrets of a directory, in place
  kubectl envcrypt convert -i -R -f deploy/ --to envcryptsecret

  # Print the Secret that an EnvcryptSecret stands for
  kubectl envcrypt convert -f db.yaml --to secret"
)]
pub struct ConvertArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Form to convert to
    #[arg(long, value_enum, value_name = "FORM")]
    to: SealedKind,
    /// Change the files in place
    #[arg(short = 'i', long, requires = "filename")]
    in_place: bool,
    /// Drop what a Secret cannot hold, such as `deletionPolicy: Retain`
    #[arg(long)]
    force: bool,
}

/// A file, its new text, and what was done to each Secret.
struct NewFile {
    path: PathBuf,
    old: Zeroizing<Vec<u8>>,
    text: String,
    done: Vec<(String, &'static str)>,
}

/// Runs the command. It converts every file before it writes the first one.
pub fn run(args: &ConvertArgs, session: &Session) -> Result<(), Failure> {
    if args.files.filename.is_empty() {
        return Err(Failure::Usage("name files with `-f`".to_owned()));
    }
    let paths = args.files.paths()?;
    args.check(&paths)?;
    let work = Conversion { args, session, default: session.namespace()? };
    let (mut files, mut passed_over) = (Vec::new(), 0);
    for path in paths {
        match work.file(&path, &mut passed_over) {
            Err(failure) if !args.files.is_named(&path) && is_no_manifest(&failure) => {
                passed_over += 1;
            }
            file => files.push(file?),
        }
    }
    tell_passed_over(passed_over);
    let count = files.iter().map(|file| file.done.len()).sum();
    if count == 0 && args.in_place {
        return Err(Failure::Select(SelectError::NothingSealed(args.files.describe())));
    }
    args.deliver(files, count)
}

impl ConvertArgs {
    fn check(&self, paths: &[PathBuf]) -> Result<(), Failure> {
        if self.in_place && paths.iter().any(|path| path == Path::new("-")) {
            return Err(Failure::Usage(
                "standard input cannot be changed in place: omit `-i` to print the result"
                    .to_owned(),
            ));
        }
        if !self.in_place && paths.len() != 1 {
            return Err(Failure::Usage(
                "`convert` prints only one file: name one file, or add `-i` to change several in place"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn deliver(&self, files: Vec<NewFile>, count: usize) -> Result<(), Failure> {
        let mut progress = Progress::new(count);
        if !self.in_place {
            progress = progress.on_stderr();
        }
        let shows_path = files.len() > 1;
        for NewFile { path, old, text, done } in files {
            match self.in_place {
                true if text.as_bytes() == &old[..] => {}
                true => files::replace_file(&path, &old, text.as_bytes())?,
                false => terminal::stdout(text.as_bytes())?,
            }
            for (name, how) in done {
                let of = shows_path.then(|| path.display().to_string());
                progress.count(Ok(Done { name, how, of }));
            }
        }
        progress.summarise();
        progress.finish()
    }
}

struct Conversion<'a> {
    args: &'a ConvertArgs,
    session: &'a Session,
    default: Namespace,
}

impl Conversion<'_> {
    /// Converts the Secrets of one file, in memory.
    fn file(&self, path: &Path, passed_over: &mut usize) -> Result<NewFile, Failure> {
        let error = |source| Failure::Select(SelectError::Manifest { path: path.into(), source });
        let old = read_file(path)?;
        let documents = manifest::parse(&old).map_err(error)?;
        let text = std::str::from_utf8(&old).map_err(|_| error(ManifestError::NotText))?;
        let secrets = documents.into_iter().filter_map(|document| match document {
            Document::Secret(object) => Some(*object),
            Document::Other(_) => None,
        });
        let (mut new, mut done) = (BTreeMap::new(), Vec::new());
        for (index, object) in secrets.enumerate() {
            if !self.args.files.selects(&object) {
                continue;
            }
            if !object.is_sealed() {
                *passed_over += 1;
                continue;
            }
            let how = if object.form() == self.args.to.form() { "unchanged" } else { "converted" };
            if how == "converted" {
                new.insert(index, self.converted(&object).map_err(error)?);
            }
            let object = new.get(&index).unwrap_or(&object);
            self.session.check_namespace(&object.place(&self.default).map_err(error)?)?;
            done.push((object.reference(), how));
        }
        let converted = manifest::convert(text, &new).map_err(error)?;
        for object in converted.rewritten.iter().filter_map(|index| new.get(index)) {
            let title = object.title();
            terminal::warn(&format!("`{title}` was written anew, without its comments"));
        }
        let text = converted.text;
        Ok(NewFile { path: path.to_owned(), old, text, done })
    }

    fn converted(&self, object: &Object) -> Result<Object, ManifestError> {
        let new = object.converted(&self.default, self.args.force)?;
        let template = new.spec.as_ref().map(|spec| &spec.template);
        if template.is_some_and(|template| template.annotations.keys().any(|name| !is_note(name))) {
            terminal::note(&format!(
                "`{}` has annotations in `spec.template`: the controller refuses those that no flag `--allow-annotation` allows",
                new.title()
            ));
        }
        Ok(new)
    }
}
