//! What there is to do, in counts.

use serde::Serialize;

use super::shape::EncoderShape;
use crate::dataset::{SplitRule, TRAINING_PER_C1};
use crate::device::PrecisionChoice;
use crate::embeddings::{self, token_lengths};
use crate::{classifier, dataset, training};

/// Bytes of a FASTA record besides its residues: name line and ends of lines.
const RECORD_BYTES: f64 = 60.0;
/// Bytes of a row of pairs.
const ROW_BYTES: f64 = 40.0;

/// The spread of protein lengths, as the standard deviation of their logarithm: a log-normal
/// distribution with the median 415 and the mean 540 that reviewed UniProt entries have.
const LENGTH_SIGMA: f64 = 0.7257;
/// Points at which that distribution is sampled, evenly in its quantiles.
const LENGTH_SAMPLES: usize = 512;

/// Sequences to embed, as sums over the pieces that the encoder sees at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// Distinct sequences.
    pub sequences: f64,
    /// Pieces: one per sequence, more where long sequences are cut into windows.
    pub pieces: f64,
    /// Tokens, two more than residues for each piece.
    pub tokens: f64,
    /// Pairs of tokens that attend to each other: the sum of the squared lengths.
    pub token_pairs: f64,
}

impl Lengths {
    /// The sums over sequences of the given numbers of residues.
    pub fn of(residues: impl IntoIterator<Item = usize>, settings: &embeddings::Settings) -> Self {
        let mut sums = Self::default();
        for length in residues {
            sums.sequences += 1.0;
            for tokens in token_lengths(length, settings) {
                let tokens = tokens as f64;
                sums.pieces += 1.0;
                sums.tokens += tokens;
                sums.token_pairs += tokens * tokens;
            }
        }
        sums
    }

    /// The sums over `count` sequences of a mean length, assumed to be spread as proteins are.
    pub fn spread(count: f64, mean: f64, settings: &embeddings::Settings) -> Self {
        let median = (mean.ln() - LENGTH_SIGMA * LENGTH_SIGMA / 2.0).exp();
        let quantile = |sample: usize| (sample as f64 + 0.5) / LENGTH_SAMPLES as f64;
        let length = |sample| median * (LENGTH_SIGMA * normal_quantile(quantile(sample))).exp();
        let lengths = (0..LENGTH_SAMPLES).map(|sample| (length(sample).round() as usize).max(1));
        Self::of(lengths, settings).scaled(count / LENGTH_SAMPLES as f64)
    }

    /// As many sequences of the same lengths as `share` says.
    #[must_use]
    pub fn scaled(self, share: f64) -> Self {
        Self {
            sequences: self.sequences * share,
            pieces: self.pieces * share,
            tokens: self.tokens * share,
            token_pairs: self.token_pairs * share,
        }
    }
}

/// The quantile of the normal distribution, by Tukey's lambda distribution (Joiner and Rosenblatt
/// 1971, 10.1080/01621459.1971.10482275), good to a few hundredths.
fn normal_quantile(probability: f64) -> f64 {
    const LAMBDA: f64 = 0.135;
    (probability.powf(LAMBDA) - (1.0 - probability).powf(LAMBDA)) / 0.1975
}

/// Pairs by part, negatives included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Pairs to learn from.
    pub train: f64,
    /// Pairs that choose the epoch.
    pub validation: f64,
    /// Pairs that are scored at the end.
    pub test: f64,
}

impl Counts {
    /// What the rule of the split leaves of `positives` pairs, on average, with negatives.
    ///
    /// Where proteins or clusters are split, a pair stays in a part if both of its proteins fall into
    /// it; some pairs of training, and those between training and test, are tested instead.
    pub fn split(positives: f64, settings: &dataset::Settings) -> Self {
        let (test, validation) = (settings.test_fraction, settings.validation_fraction);
        let train = 1.0 - test - validation;
        let pairs = positives * (1.0 + settings.negative_ratio);
        match settings.split {
            SplitRule::Clusters | SplitRule::Proteins => {
                let kept = |share: f64| pairs * share * share;
                let held_out = kept(test).min(kept(train) / TRAINING_PER_C1 as f64);
                Self {
                    train: kept(train) - held_out,
                    validation: kept(validation),
                    test: kept(test) + held_out + pairs * 2.0 * train * test,
                }
            }
            SplitRule::Pairs | SplitRule::Given => {
                let kept = |share: f64| pairs * share;
                Self { train: kept(train), validation: kept(validation), test: kept(test) }
            }
        }
    }

    /// All of them.
    pub fn total(&self) -> f64 {
        self.train + self.validation + self.test
    }
}

/// How the classifier is fitted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Learning {
    /// Trainings, each with its own evaluation.
    pub trainings: f64,
    /// Passes over the training part in each of them.
    pub epochs: f64,
    /// Pairs per step.
    pub batch_size: usize,
    /// Widths of the hidden layers.
    pub hidden_sizes: Vec<usize>,
}

impl Learning {
    /// What the settings say of so many `trainings`; early stopping is not foreseen.
    pub fn new(
        trainings: usize,
        training: &training::Settings,
        classifier: &classifier::Settings,
    ) -> Self {
        Self {
            trainings: trainings as f64,
            epochs: training.epochs as f64,
            batch_size: training.batch_size,
            hidden_sizes: classifier.hidden_sizes.clone(),
        }
    }

    /// The epochs of all trainings.
    pub fn all_epochs(&self) -> f64 {
        self.trainings * self.epochs
    }
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workload {
    /// The encoder.
    pub encoder: EncoderShape,
    /// Proteins in the pairs.
    pub proteins: f64,
    /// Every distinct sequence of the pairs.
    pub all: Lengths,
    /// Those whose embeddings are not cached.
    pub missing: Lengths,
    /// Tokens per batch where the settings say so.
    pub token_budget: Option<usize>,
    /// The number format of the encoder's forward pass, as the settings ask for it.
    pub precision: PrecisionChoice,
    /// Pairs by part.
    pub pairs: Counts,
    /// Bytes of the files of pairs and sequences.
    pub input_bytes: f64,
    /// How the classifier is fitted.
    pub learning: Learning,
}

impl Workload {
    /// The bytes of files that hold so many proteins, residues and pairs.
    pub fn input_bytes(proteins: f64, residues: f64, pairs: f64) -> f64 {
        proteins * RECORD_BYTES + residues + pairs * ROW_BYTES
    }

    /// The same when everything is cached.
    #[must_use]
    pub fn cached(&self) -> Self {
        Self { missing: Lengths::default(), ..self.clone() }
    }

    /// The same with a part of the proteins, and one training of so many epochs. A connected subset keeps pairs in
    /// proportion to proteins.
    #[must_use]
    pub fn subset(&self, proteins: f64, epochs: usize) -> Self {
        let share = (proteins / self.proteins.max(1.0)).min(1.0);
        let Counts { train, validation, test } = self.pairs;
        Self {
            proteins: self.proteins * share,
            all: self.all.scaled(share),
            missing: self.missing.scaled(share),
            pairs: Counts {
                train: train * share,
                validation: validation * share,
                test: test * share,
            },
            learning: Learning {
                trainings: 1.0,
                epochs: self.learning.epochs.min(epochs as f64),
                ..self.learning.clone()
            },
            ..self.clone()
        }
    }
}
