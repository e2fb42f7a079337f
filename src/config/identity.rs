//! Run identity: what of a configuration changes the result.

use serde::{Serialize, Serializer, ser};

use super::RunConfig;
use super::keys::{Effect, KEYS};

/// A view of a configuration that serialises exactly the keys of [`Effect::Result`], sorted by
/// name.
///
/// Hashed together with the digests of the data and the embedding space it names a run. What is
/// left out lets a run go on: further, elsewhere, or with other limits, but not to another result.
/// The number of epochs is left out because neither the learning rate nor anything else in an
/// epoch depends on how many will follow.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a>(&'a RunConfig);

impl RunConfig {
    /// What of this configuration changes the result.
    pub fn identity(&self) -> Identity<'_> {
        Identity(self)
    }
}

impl Serialize for Identity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = serde_json::to_value(self.0).map_err(ser::Error::custom)?;
        let mut keys: Vec<_> = KEYS.iter().filter(|key| key.effect == Effect::Result).collect();
        keys.sort_by_key(|key| key.name);
        serializer.collect_map(keys.iter().map(|key| (key.name, &values[key.name])))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Kind, Sources, resolve};
    use super::*;
    use crate::digest::Digest;

    fn digest(options: &[(&str, &str)]) -> Digest {
        let command_line = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let sources = Sources { command_line: command_line.collect(), ..Sources::default() };
        Digest::of_json(&resolve(&sources).unwrap().config.identity()).unwrap()
    }

    /// A value that is not the default.
    fn another(kind: Kind, default: &str) -> &'static str {
        match kind {
            Kind::Integer { .. } | Kind::OptionalInteger { .. } | Kind::Integers { .. } => "16",
            Kind::Float(..) | Kind::OptionalFloat { .. } => "0.25",
            Kind::Bool => "true",
            Kind::Choice(words) => {
                words.iter().find(|word| **word != default).copied().unwrap_or(words[0])
            }
            Kind::OptionalText { .. } => "verdict",
            Kind::Device => "cpu",
            Kind::Url => "https://mirror.example.org",
            Kind::OptionalSpecies { .. } => "hint:HomoSapiens",
            Kind::OptionalS3Uri { .. } => "s3://lab-data/ppi/",
        }
    }

    #[test]
    fn a_key_changes_the_digest_exactly_if_it_changes_the_result() {
        let conduct = BTreeSet::from([
            "encoder",
            "epochs",
            "seeds",
            "cluster_by",
            "cluster_min_seq_id",
            "cluster_coverage",
            "patience",
            "checkpoint_seconds",
            "on_bad_checkpoint",
            "device",
            "token_budget",
            "seal_seconds",
            "bundle_encoder",
            "strict",
            "expected_ceiling",
            "storage_uri",
            "sse_kms_key_id",
            "max_dropped_fraction",
            "missing_sequences",
            "uniprot_url",
            "uniprot_parallel",
            "fetch_seconds",
            "offline",
            "interactions",
            "hint_url",
            "hint_release",
            "hint_quality",
            "hint_kind",
        ]);
        let default = digest(&[]);
        for key in KEYS {
            let changed = digest(&[(key.name, another(key.kind, key.default))]) != default;
            assert_eq!(changed, !conduct.contains(key.name), "{}", key.name);
        }
    }

    #[test]
    fn the_digest_does_not_depend_on_how_a_value_is_written() {
        assert_eq!(digest(&[("learning_rate", "0.0001")]), digest(&[("learning_rate", "1e-4")]));
        assert_eq!(digest(&[("hidden_sizes", "[512, 256, 128]")]), digest(&[]));
    }
}
