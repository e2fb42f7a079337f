//! HINT's own files, fetched by species: `hint:HomoSapiens`.
//!
//! `URL/RELEASE/SPECIES_KIND_QUALITY.txt`, as `https://hint.yulab.org/download` links them. A file of
//! a release is fetched once and kept.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::info;

use crate::digest::Digest;
use crate::http::{Answer, BaseUrl, Client, HttpError, Limits, Rejection, Request};
use crate::shutdown::Shutdown;
use crate::storage::{self, StorageError};

/// What interactions that name a species begin with.
const PREFIX: &str = "hint:";
/// Below the folder of the cache.
const FOLDER: &str = "hint";
/// The largest file has some 20 MB.
const MAX_FILE: u64 = 512 << 20;
const LONGEST_NAME: usize = 64;

/// Which of HINT's files is fetched, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The address of all releases.
    pub url: BaseUrl,
    /// The folder of a release, if the address has such folders.
    pub release: Option<String>,
    /// How sure an interaction is.
    pub quality: Quality,
    /// What an interaction is.
    pub kind: Kind,
    /// Seconds that fetching may take.
    pub seconds: u64,
    /// Whether nobody is asked, and only a file that is kept counts.
    pub offline: bool,
}

/// How sure an interaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// High-quality interactions alone.
    Hq,
    /// All.
    All,
}

/// What an interaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Two proteins that touch.
    Binary,
    /// Two proteins of one complex.
    Cocomp,
}

/// Where pairs come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, or a folder of files.
    Path(PathBuf),
    /// A file of HINT.
    Hint(Species),
}

/// A species as HINT names it, such as `HomoSapiens` or `SaccharomycesCerevisiaeS288C`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Species(String);

/// A file of HINT on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HintFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Where it was fetched from.
    pub address: String,
}

/// A file of HINT that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HintError {
    /// A text that names no species.
    #[error(
        "`{PREFIX}{0}` names no species: expected letters and digits as in `hint:HomoSapiens` or \
         `hint:SaccharomycesCerevisiaeS288C`"
    )]
    Species(String),
    /// The server does not answer, or has no such file.
    #[error("cannot fetch the file of HINT for `{species}`: {source}")]
    Http {
        /// The species.
        species: Species,
        /// What failed.
        source: HttpError,
    },
    /// A file that was never fetched, and `offline`.
    #[error("`{address}` was not fetched before; set `offline` to false, or give a file")]
    Offline {
        /// Where it would be fetched from.
        address: String,
    },
    /// It cannot be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Source {
    /// What an argument means: `hint:` and a species, or else a path.
    pub fn of(argument: &Path) -> Result<Self, HintError> {
        let named = argument.to_str().and_then(|text| text.strip_prefix(PREFIX));
        named.map_or_else(
            || Ok(Self::Path(argument.to_owned())),
            |species| species.parse().map(Self::Hint),
        )
    }

    /// The file or folder, unless it is still to be fetched.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Hint(_) => None,
        }
    }
}

/// The file or folder that `source` means, fetched where it is a species', with the address that it is
/// from then.
pub fn locate(
    source: &Source,
    settings: &Settings,
    cache: &Path,
    shutdown: &Shutdown,
) -> Result<(PathBuf, Option<String>), HintError> {
    match source {
        Source::Path(path) => Ok((path.clone(), None)),
        Source::Hint(species) => {
            let HintFile { path, address } = fetch(species, settings, cache, shutdown)?;
            Ok((path, Some(address)))
        }
    }
}

/// The file of a species: the one kept below the cache folder `cache` or, where there is none, the
/// server's.
fn fetch(
    species: &Species,
    settings: &Settings,
    cache: &Path,
    shutdown: &Shutdown,
) -> Result<HintFile, HintError> {
    let name = settings.file_name(species);
    let parts: Vec<&str> = settings.release.iter().map(String::as_str).chain([&*name]).collect();
    let address = format!("{}/{}", settings.url, parts.join("/"));
    // The address as it is may be no name of a folder.
    let folder = cache.join(FOLDER).join(Digest::of(address.as_bytes()).short(16));
    let path = folder.join(OsStr::new(&name));
    if path.is_file() {
        info!("`{address}` was fetched before: `{}`", path.display());
        return Ok(HintFile { path, address });
    }
    if settings.offline {
        return Err(HintError::Offline { address });
    }
    info!("fetching `{address}`");
    let failed = |source| HintError::Http { species: species.clone(), source };
    let limits = Limits::within(Duration::from_secs(settings.seconds));
    let client = Client::new(&settings.url, limits, shutdown).map_err(failed)?;
    let request = Request { path: &parts, query: &[], limit: MAX_FILE };
    let bytes = client.get(&request, table).map_err(failed)?;
    storage::create_folder(&folder)?;
    storage::write_atomic(&path, &bytes)?;
    Ok(HintFile { path, address })
}

impl Settings {
    /// `HomoSapiens_binary_hq.txt`.
    fn file_name(&self, species: &Species) -> String {
        let quality = match self.quality {
            Quality::Hq => "hq",
            Quality::All => "all",
        };
        let kind = match self.kind {
            Kind::Binary => "binary",
            Kind::Cocomp => "cocomp",
        };
        format!("{species}_{kind}_{quality}.txt")
    }
}

/// The body of an answer that begins as every file of HINT does. Pages that have moved answer with
/// a web page and status 200.
fn table(answer: &Answer) -> Result<Vec<u8>, Rejection> {
    if answer.is_html() {
        return Err(Rejection::Refused("it is a web page and no table".to_owned()));
    }
    let content = answer.content()?;
    match content.starts_with(b"Uniprot_A\t") {
        true => Ok(content.to_vec()),
        false => Err(Rejection::Refused("it does not begin with `Uniprot_A`".to_owned())),
    }
}

impl FromStr for Species {
    type Err = HintError;

    fn from_str(text: &str) -> Result<Self, HintError> {
        let plain = text.bytes().all(|c| c.is_ascii_alphanumeric());
        match plain && (1..=LONGEST_NAME).contains(&text.len()) {
            true => Ok(Self(text.to_owned())),
            false => Err(HintError::Species(text.chars().take(LONGEST_NAME).collect())),
        }
    }
}

impl fmt::Display for Species {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_species_is_told_from_a_path() {
        let of = |text: &str| Source::of(Path::new(text));
        assert_eq!(of("hint:HomoSapiens").unwrap(), Source::Hint(Species("HomoSapiens".into())));
        assert_eq!(of("hint.txt").unwrap(), Source::Path("hint.txt".into()));
        assert_eq!(of("./hint:x").unwrap(), Source::Path("./hint:x".into()));
        let refused = ["hint:", "hint:../x", "hint:Homo Sapiens"].map(|text| {
            of(text).unwrap_err().to_string() //
        });
        insta::assert_snapshot!(refused.join("\n"), @r"
        `hint:` names no species: expected letters and digits as in `hint:HomoSapiens` or `hint:SaccharomycesCerevisiaeS288C`
        `hint:../x` names no species: expected letters and digits as in `hint:HomoSapiens` or `hint:SaccharomycesCerevisiaeS288C`
        `hint:Homo Sapiens` names no species: expected letters and digits as in `hint:HomoSapiens` or `hint:SaccharomycesCerevisiaeS288C`
        ");
    }
}
