//! The flat form of a configuration, one field per key, as files and figment know it.

use serde::{Deserialize, Serialize};

use super::RunConfig;
use crate::device::{DeviceChoice, PrecisionChoice};
use crate::http::BaseUrl;
use crate::interactions::{Evidence, ExpandedComplexes, Score, SelfPairs};
use crate::storage::remote::S3Uri;
use crate::{classifier, dataset, embeddings, evaluation, interactions, sequences, training};

/// One field per entry of [`super::KEYS`], under the same name and in the same order.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Values {
    encoder: Option<String>,
    epochs: usize,
    batch_size: usize,
    learning_rate: f64,
    hidden_sizes: Vec<usize>,
    dropout: f64,
    patience: usize,
    checkpoint_seconds: u64,
    on_bad_checkpoint: training::OnBadCheckpoint,
    negatives: dataset::NegativeRule,
    negative_ratio: f64,
    split: dataset::SplitRule,
    cluster_similarity: f64,
    cluster_by: dataset::ClusterMethod,
    cluster_min_seq_id: f64,
    cluster_coverage: f64,
    test_fraction: f64,
    validation_fraction: f64,
    max_residues: usize,
    long_sequences: embeddings::LongSequences,
    min_publications: usize,
    evidence: Evidence,
    min_score: Option<Score>,
    taxon: Option<u32>,
    expanded_complexes: ExpandedComplexes,
    self_pairs: SelfPairs,
    label_column: Option<String>,
    max_proteins: Option<usize>,
    max_pairs: Option<usize>,
    max_dropped_fraction: f64,
    missing_sequences: sequences::MissingSequences,
    uniprot_url: BaseUrl,
    uniprot_parallel: usize,
    fetch_seconds: u64,
    offline: bool,
    interactions: Option<interactions::hint::Species>,
    hint_url: BaseUrl,
    hint_release: Option<String>,
    hint_quality: interactions::hint::Quality,
    hint_kind: interactions::hint::Kind,
    seed: u64,
    seeds: usize,
    device: DeviceChoice,
    precision: PrecisionChoice,
    embedding_dtype: embeddings::EmbeddingDtype,
    token_budget: Option<usize>,
    seal_seconds: u64,
    bundle_encoder: bool,
    strict: bool,
    expected_ceiling: f64,
    storage_uri: Option<S3Uri>,
    sse_kms_key_id: Option<String>,
}

impl From<Values> for RunConfig {
    fn from(values: Values) -> Self {
        let seed = values.seed;
        Self {
            encoder: embeddings::esm2::Settings { name: values.encoder, offline: values.offline },
            interactions: interactions::Settings {
                min_publications: values.min_publications,
                evidence: values.evidence,
                min_score: values.min_score,
                taxon: values.taxon,
                expanded_complexes: values.expanded_complexes,
                self_pairs: values.self_pairs,
                label_column: values.label_column,
                max_proteins: values.max_proteins,
                max_pairs: values.max_pairs,
                max_dropped_fraction: values.max_dropped_fraction,
                seed,
            },
            hint: interactions::hint::Settings {
                species: values.interactions,
                url: values.hint_url,
                release: values.hint_release,
                quality: values.hint_quality,
                kind: values.hint_kind,
                seconds: values.fetch_seconds,
                offline: values.offline,
            },
            sequences: sequences::Settings {
                missing: values.missing_sequences,
                uniprot: sequences::uniprot::Settings {
                    url: values.uniprot_url,
                    parallel: values.uniprot_parallel,
                    seconds: values.fetch_seconds,
                    offline: values.offline,
                },
            },
            embeddings: embeddings::Settings {
                max_residues: values.max_residues,
                long_sequences: values.long_sequences,
                precision: values.precision,
                embedding_dtype: values.embedding_dtype,
                token_budget: values.token_budget,
            },
            dataset: dataset::Settings {
                split: values.split,
                cluster_similarity: values.cluster_similarity,
                test_fraction: values.test_fraction,
                validation_fraction: values.validation_fraction,
                negatives: values.negatives,
                negative_ratio: values.negative_ratio,
                self_negatives: values.self_pairs == SelfPairs::Include,
                seed,
            },
            clustering: dataset::Clustering {
                by: values.cluster_by,
                min_seq_id: values.cluster_min_seq_id,
                coverage: values.cluster_coverage,
            },
            classifier: classifier::Settings {
                hidden_sizes: values.hidden_sizes,
                dropout: values.dropout,
            },
            training: training::Settings {
                epochs: values.epochs,
                batch_size: values.batch_size,
                learning_rate: values.learning_rate,
                patience: values.patience,
                checkpoint_seconds: values.checkpoint_seconds,
                on_bad_checkpoint: values.on_bad_checkpoint,
                seed,
            },
            evaluation: evaluation::Settings {
                strict: values.strict,
                expected_ceiling: values.expected_ceiling,
            },
            seed,
            seeds: values.seeds,
            device: values.device,
            seal_seconds: values.seal_seconds,
            bundle_encoder: values.bundle_encoder,
            storage_uri: values.storage_uri,
            sse_kms_key_id: values.sse_kms_key_id,
        }
    }
}

impl From<RunConfig> for Values {
    fn from(config: RunConfig) -> Self {
        let RunConfig { interactions, hint, sequences, embeddings, .. } = config;
        let RunConfig { dataset, clustering, classifier, training, evaluation, .. } = config;
        Self {
            encoder: config.encoder.name,
            epochs: training.epochs,
            batch_size: training.batch_size,
            learning_rate: training.learning_rate,
            hidden_sizes: classifier.hidden_sizes,
            dropout: classifier.dropout,
            patience: training.patience,
            checkpoint_seconds: training.checkpoint_seconds,
            on_bad_checkpoint: training.on_bad_checkpoint,
            negatives: dataset.negatives,
            negative_ratio: dataset.negative_ratio,
            split: dataset.split,
            cluster_similarity: dataset.cluster_similarity,
            cluster_by: clustering.by,
            cluster_min_seq_id: clustering.min_seq_id,
            cluster_coverage: clustering.coverage,
            test_fraction: dataset.test_fraction,
            validation_fraction: dataset.validation_fraction,
            max_residues: embeddings.max_residues,
            long_sequences: embeddings.long_sequences,
            min_publications: interactions.min_publications,
            evidence: interactions.evidence,
            min_score: interactions.min_score,
            taxon: interactions.taxon,
            expanded_complexes: interactions.expanded_complexes,
            self_pairs: interactions.self_pairs,
            label_column: interactions.label_column,
            max_proteins: interactions.max_proteins,
            max_pairs: interactions.max_pairs,
            max_dropped_fraction: interactions.max_dropped_fraction,
            missing_sequences: sequences.missing,
            uniprot_url: sequences.uniprot.url,
            uniprot_parallel: sequences.uniprot.parallel,
            fetch_seconds: sequences.uniprot.seconds,
            offline: sequences.uniprot.offline,
            interactions: hint.species,
            hint_url: hint.url,
            hint_release: hint.release,
            hint_quality: hint.quality,
            hint_kind: hint.kind,
            seed: config.seed,
            seeds: config.seeds,
            device: config.device,
            precision: embeddings.precision,
            embedding_dtype: embeddings.embedding_dtype,
            token_budget: embeddings.token_budget,
            seal_seconds: config.seal_seconds,
            bundle_encoder: config.bundle_encoder,
            strict: evaluation.strict,
            expected_ceiling: evaluation.expected_ceiling,
            storage_uri: config.storage_uri,
            sse_kms_key_id: config.sse_kms_key_id,
        }
    }
}
