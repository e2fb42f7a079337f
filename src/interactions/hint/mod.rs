//! HINT's own files, fetched by species: `hint:HomoSapiens`.
//!
//! `URL/RELEASE/SPECIES_KIND_QUALITY.txt`, as `https://hint.yulab.org/download` links them. A file of
//! a release is fetched once and kept.

mod kept;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::info;

use crate::http::{Answer, BaseUrl, Client, HttpError, Limits, Rejection, Request};
use crate::shutdown::Shutdown;
use crate::storage::StorageError;
use crate::storage::sync::SharedError;

pub use kept::KeptTables;

/// What interactions that name a species begin with.
const PREFIX: &str = "hint:";
/// The largest file has some 20 MB.
const MAX_FILE: u64 = 512 << 20;
const LONGEST_NAME: usize = 64;

/// Which of HINT's files is fetched, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Whose interactions are fetched; `None` where files are given.
    pub species: Option<Species>,
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

/// A species as HINT names it, such as `HomoSapiens` or `SaccharomycesCerevisiaeS288C`; written with
/// `hint:` before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Species(String);

/// A text that names no species.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("expected `{PREFIX}` and letters and digits, as in `hint:HomoSapiens`")]
pub struct NoSpecies;

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
    /// The server does not answer, or has no such file.
    #[error("cannot fetch the file of HINT for `{species}`: {source}")]
    Http {
        /// The species.
        species: Species,
        /// What failed.
        source: HttpError,
    },
    /// A file that was never fetched, and `offline`.
    #[error(
        "`{address}` was not fetched before; set `offline` to false, or give the file (`--interactions`, \
         in a job the channel `interactions`)"
    )]
    Offline {
        /// Where it would be fetched from.
        address: String,
    },
    /// It cannot be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It cannot be shared.
    #[error(transparent)]
    Shared(#[from] SharedError),
}

/// Whether an argument names a species, and no path.
pub fn is_name(argument: &Path) -> bool {
    argument.to_str().is_some_and(|text| text.starts_with(PREFIX))
}

/// The file of a species: the one that is kept or, where there is none, the server's.
pub fn fetch(
    species: &Species,
    settings: &Settings,
    kept: &KeptTables,
    shutdown: &Shutdown,
) -> Result<HintFile, HintError> {
    let name = settings.file_name(species);
    let parts: Vec<&str> = settings.release.iter().map(String::as_str).chain([&*name]).collect();
    let address = format!("{}/{}", settings.url, parts.join("/"));
    if let Some(path) = kept.find(&address, &name)? {
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
    let path = kept.keep(&address, &name, &bytes)?;
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
        format!("{}_{kind}_{quality}.txt", species.0)
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
    type Err = NoSpecies;

    fn from_str(text: &str) -> Result<Self, NoSpecies> {
        let name = text.strip_prefix(PREFIX).ok_or(NoSpecies)?;
        let plain = name.bytes().all(|c| c.is_ascii_alphanumeric());
        match plain && (1..=LONGEST_NAME).contains(&name.len()) {
            true => Ok(Self(name.to_owned())),
            false => Err(NoSpecies),
        }
    }
}

impl TryFrom<String> for Species {
    type Error = NoSpecies;

    fn try_from(text: String) -> Result<Self, NoSpecies> {
        text.parse()
    }
}

impl From<Species> for String {
    fn from(species: Species) -> Self {
        species.to_string()
    }
}

impl fmt::Display for Species {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_species_is_told_from_a_path() {
        let is_name = |text: &str| is_name(Path::new(text));
        assert!(is_name("hint:HomoSapiens"));
        assert!(!is_name("hint.txt") && !is_name("./hint:x"));
        let species: Species = "hint:HomoSapiens".parse().unwrap();
        assert_eq!(species.to_string(), "hint:HomoSapiens");
        let refused = ["HomoSapiens", "hint:", "hint:../x", "hint:Homo Sapiens", "/data/hint.txt"];
        for text in
            refused.map(str::to_owned).into_iter().chain([format!("hint:{}", "x".repeat(65))])
        {
            assert!(text.parse::<Species>().is_err(), "{text}");
        }
    }
}
