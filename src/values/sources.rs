//! The sources of values, other than a prompt.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use memchr::memmem;

use super::generate::Generate;
use crate::failure::{Failure, PeersError, SelectError, ValuesError};
use crate::terminal;
use envcrypt_core::secret::{Key, MAX_SECRET_SIZE, SecretValue, TypeError, parse_env_file};

/// How each value that SOPS encrypted begins.
const SOPS_MARK: &[u8] = b"ENC[AES256_GCM,";

/// The flags that name sources of values.
#[derive(Args, Default)]
#[command(next_help_heading = "Sources of values")]
pub struct SourceArgs {
    /// Read a value from a file, or one value from each file of a directory; KEY=- reads standard
    /// input (can be repeated)
    #[arg(long, value_name = "[KEY=]FILE")]
    pub from_file: Vec<String>,
    /// Read values from a file of KEY=VALUE lines (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub from_env_file: Vec<PathBuf>,
    /// Read the value of KEY from standard input, byte for byte
    #[arg(long, value_name = "KEY")]
    pub from_stdin: Vec<String>,
    /// Take a value from the command line; it stays in the shell history and is visible in the
    /// process list (can be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub from_literal: Vec<String>,
    /// Generate a random value that nobody sees; LENGTH is 32 by default, ALPHABET is alnum (the
    /// default), hex, digits, lower or symbols (can be repeated)
    #[arg(long, value_name = "KEY[=LENGTH[:ALPHABET]]")]
    pub generate: Vec<String>,
}

/// Values that were opened before the sources are read, because another program had encrypted their
/// files.
#[derive(Default)]
pub struct Opened {
    /// The lines of env files.
    pub env_files: BTreeMap<PathBuf, Vec<(String, SecretValue)>>,
    /// The contents of files.
    pub files: BTreeMap<PathBuf, SecretValue>,
}

impl Opened {
    /// The content of a file.
    fn read(&mut self, path: &Path) -> Result<SecretValue, Failure> {
        self.files.remove(path).map_or_else(|| read_value(path), Ok)
    }
}

/// Values by key, each key once.
#[derive(Default)]
pub struct Values(BTreeMap<Key, SecretValue>);

impl Values {
    /// Adds a value.
    pub fn insert(&mut self, key: Key, value: SecretValue) -> Result<(), Failure> {
        if self.0.contains_key(&key) {
            return Err(Failure::Values(ValuesError::DuplicateKey(key.to_string())));
        }
        self.0.insert(key, value);
        Ok(())
    }

    /// Refuses what SOPS encrypted: a file of it, or one value. Nobody could open it later.
    fn refuse_ciphertext(&self) -> Result<(), Failure> {
        let is_sops = |value: &SecretValue| {
            let value = value.expose();
            value.starts_with(SOPS_MARK)
                || (memmem::find(value, SOPS_MARK).is_some()
                    && memmem::find(value, b"sops").is_some())
        };
        match self.0.iter().find(|(_, value)| is_sops(value)) {
            None => Ok(()),
            Some((key, _)) => Err(Failure::Peers(PeersError::CiphertextSource(key.to_string()))),
        }
    }

    pub fn contains(&self, key: &str) -> bool {
        self.0.keys().any(|k| k.as_str() == key)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sizes of the values in bytes.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        self.0.values().map(SecretValue::len)
    }

    pub fn into_inner(self) -> BTreeMap<Key, SecretValue> {
        self.0
    }
}

impl SourceArgs {
    /// Whether no source was named.
    pub fn is_empty(&self) -> bool {
        self.from_file.is_empty()
            && self.from_env_file.is_empty()
            && self.from_stdin.is_empty()
            && self.from_literal.is_empty()
            && self.generate.is_empty()
    }

    /// The files of `--from-file`, also those of its directories, without standard input.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for text in &self.from_file {
            let path = Path::new(text.rsplit('=').next().unwrap_or_default());
            match path.is_dir() {
                // An error of the directory is one later.
                true => files.extend(folder(path).unwrap_or_default()),
                false if path.as_os_str() != "-" => files.push(path.to_owned()),
                false => {}
            }
        }
        files
    }

    /// Reads all sources. `piped` is the number of other values that come from standard input.
    pub fn collect(&self, piped: usize, mut opened: Opened) -> Result<Values, Failure> {
        self.check_stdin(piped)?;
        let mut values = Values::default();
        for text in &self.from_file {
            from_file(text, &mut opened, &mut values)?;
        }
        for path in &self.from_env_file {
            from_env_file(path, &mut opened, &mut values)?;
        }
        for key in &self.from_stdin {
            values.insert(key.parse()?, read_value(Path::new("-"))?)?;
        }
        if !self.from_literal.is_empty() {
            terminal::warn(
                "values of `--from-literal` are now in the shell history, and were visible in the process list",
            );
        }
        for text in &self.from_literal {
            let (key, value) = text.split_once('=').ok_or_else(|| {
                // The message does not quote it: it may be the value alone.
                Failure::Usage("`--from-literal` takes KEY=VALUE".to_owned())
            })?;
            // Nor does this one: the key may be part of a value that contains `=`.
            let key = key.parse().map_err(|_| {
                Failure::Usage("`--from-literal`: the text before `=` is not a valid key".into())
            })?;
            values.insert(key, SecretValue::new(value.as_bytes().to_vec()))?;
        }
        for text in &self.generate {
            let generate: Generate =
                text.parse().map_err(|e| Failure::Usage(format!("`--generate`: {e}")))?;
            values.insert(generate.key.clone(), generate.value())?;
        }
        values.refuse_ciphertext()?;
        Ok(values)
    }

    /// Refuses several values from standard input, which can be read only once.
    fn check_stdin(&self, piped: usize) -> Result<(), Failure> {
        let is_stdin = |text: &&String| text.as_str() == "-" || text.ends_with("=-");
        let files = self.from_file.iter().filter(is_stdin).count();
        let env_files = self.from_env_file.iter().filter(|path| path.as_os_str() == "-").count();
        match files + env_files + self.from_stdin.len() + piped {
            0 | 1 => Ok(()),
            _ => Err(Failure::Usage("standard input can be used for one value only".to_owned())),
        }
    }
}

/// `[KEY=]FILE`, with at most one `=`, as in kubectl.
fn from_file(text: &str, opened: &mut Opened, values: &mut Values) -> Result<(), Failure> {
    let usage = |wrong: &str| Err(Failure::Usage(format!("`--from-file={text}`: {wrong}")));
    match *text.split('=').collect::<Vec<_>>() {
        ["-"] => usage("standard input has no name: use KEY=-"),
        [path] if Path::new(path).is_dir() => from_folder(Path::new(path), opened, values),
        [path] => {
            let path = Path::new(path);
            values.insert(key_of(path)?, opened.read(path)?)
        }
        ["", _] => usage("the key is missing before `=`"),
        [_, ""] => usage("the file is missing after `=`"),
        [_, path] if path != "-" && Path::new(path).is_dir() => {
            usage("a directory gives one key per file, so leave out KEY")
        }
        [key, path] => values.insert(key.parse()?, opened.read(Path::new(path))?),
        _ => usage("neither KEY nor FILE can contain `=`"),
    }
}

/// The regular files of a directory, without its subdirectories.
fn from_folder(path: &Path, opened: &mut Opened, values: &mut Values) -> Result<(), Failure> {
    let mut files = folder(path)?.into_iter();
    files.try_for_each(|path| values.insert(key_of(&path)?, opened.read(&path)?))
}

fn folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: folder.to_owned(), source });
    let entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(error)?;
    let is_file = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let mut paths: Vec<_> =
        entries.iter().filter(|entry| is_file(entry)).map(std::fs::DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

fn key_of(path: &Path) -> Result<Key, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    name.ok_or_else(|| Failure::Values(ValuesError::FileName { path: path.to_owned() }))
}

fn from_env_file(path: &Path, opened: &mut Opened, values: &mut Values) -> Result<(), Failure> {
    if let Some(lines) = opened.env_files.remove(path) {
        let mut lines = lines.into_iter();
        return lines.try_for_each(|(key, value)| values.insert(key.parse()?, value));
    }
    let content = read_value(path)?;
    let lines = parse_env_file(content.expose()).map_err(|source| {
        Failure::Values(ValuesError::EnvFile { path: path.to_owned(), source })
    })?;
    for line in lines {
        let value = match line.value {
            Some(value) => value.as_bytes().to_vec(),
            None => {
                let value = std::env::var_os(line.key.as_str());
                value.map(std::os::unix::ffi::OsStringExt::into_vec).ok_or_else(|| {
                    Failure::Values(ValuesError::NotInEnvironment {
                        path: path.to_owned(),
                        key: line.key.to_string(),
                    })
                })?
            }
        };
        values.insert(line.key, SecretValue::new(value))?;
    }
    Ok(())
}

/// Reads a value; `-` is standard input. The buffer never grows, because growing would leave
/// copies in memory.
pub fn read_value(path: &Path) -> Result<SecretValue, Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
    let (file, size): (Box<dyn Read>, usize) = if path == Path::new("-") {
        (Box::new(io::stdin()), MAX_SECRET_SIZE)
    } else {
        let file = std::fs::File::open(path).map_err(error)?;
        let metadata = file.metadata().map_err(error)?;
        let size = if metadata.is_file() { metadata.len() as usize } else { MAX_SECRET_SIZE };
        if size > MAX_SECRET_SIZE {
            return Err(TypeError::TooLarge { size }.into());
        }
        (Box::new(file), size)
    };
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(size + 1));
    file.take(MAX_SECRET_SIZE as u64 + 1).read_to_end(&mut bytes).map_err(error)?;
    if bytes.len() > MAX_SECRET_SIZE {
        return Err(TypeError::TooLarge { size: bytes.len() }.into());
    }
    Ok(SecretValue::from(bytes))
}
