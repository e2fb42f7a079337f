//! What the arguments give: files or counts, an encoder or the name of one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::ArgMatches;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::options;
use crate::config::RunConfig;
use crate::device::ComputeDevice;
use crate::embeddings::esm2::{self, Encoder};
use crate::embeddings::{CacheLocation, EmbeddingSpace};
use crate::estimate::{Counts, EncoderShape, Learning, Lengths, Reference, Workload};
use crate::pipeline::{self, Inputs};

/// The mean length of reviewed UniProt entries in the published proteomes, as in `docs/estimate.md`.
const MEAN_LENGTH: u32 = 540;

/// An encoder that is there, or the shape of a published one.
pub(super) enum GivenEncoder {
    Folder(Box<Encoder>),
    Shape(EncoderShape),
}

impl GivenEncoder {
    /// Nothing is fetched: of a model that is only named, the shape must be known.
    pub(super) fn new(source: &esm2::Source) -> Result<Self, Failure> {
        match source {
            esm2::Source::Folder(folder) => Ok(Self::Folder(Box::new(Encoder::open(folder)?))),
            esm2::Source::Hub(model) => {
                let shape = EncoderShape::published(model.name()).map(Self::Shape);
                shape.ok_or_else(|| {
                    Failure::usage(format!(
                        "`{model}` is no folder here and no published ESM-2, whose shape is known; get its \
                         folder with `dyad fetch --encoder {model}` and give that"
                    ))
                })
            }
        }
    }

    /// The encoder's files, which a calibration computes with.
    pub(super) fn folder(&self) -> Result<&Encoder, Failure> {
        match self {
            Self::Folder(encoder) => Ok(encoder),
            Self::Shape(shape) => Err(Failure::usage(format!(
                "`--calibrate` computes with an encoder, and `{}` is a name only; give its folder with \
                 `--encoder`",
                shape.name
            ))),
        }
    }

    fn shape(&self) -> EncoderShape {
        match self {
            Self::Folder(encoder) => EncoderShape::of(encoder.config(), &encoder.identity().name),
            Self::Shape(shape) => shape.clone(),
        }
    }
}

/// What is counted.
pub(super) enum Source {
    Files(Inputs),
    Counts { proteins: u32, pairs: u32, mean_length: u32 },
}

/// What the arguments count. A species that the configuration names gives way to counts.
pub(super) fn source(matches: &ArgMatches, config: &RunConfig) -> Result<Source, Failure> {
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let number = |name: &str| matches.get_one::<u32>(name).copied();
    let parts = path("validation").is_some() || path("test").is_some();
    let counted = ["proteins", "pairs", "mean-length"].iter().any(|name| number(name).is_some());
    let named = matches.contains_id("interactions") || config.hint.species.is_some();
    let files = matches.contains_id("interactions") || path("sequences").is_some();
    match (number("proteins"), number("pairs")) {
        (None, None) if named && !counted => Ok(Source::Files(Inputs {
            interactions: options::interactions(matches),
            sequences: path("sequences"),
            validation: path("validation"),
            test: path("test"),
            known_interactions: path("known-interactions"),
            clusters: path("clusters"),
        })),
        (Some(proteins), Some(pairs)) if proteins > 1 && pairs > 0 && !parts && !files => {
            let mean_length = number("mean-length").unwrap_or(MEAN_LENGTH).max(1);
            Ok(Source::Counts { proteins, pairs, mean_length })
        }
        _ => Err(Failure::usage(
            "`dyad estimate` counts either files (`--interactions`, and `--sequences`, `--validation` and \
             `--test` if you like) or what you say (`--proteins` of at least 2 and `--pairs` of at least 1)",
        )),
    }
}

impl Source {
    pub(super) fn workload(
        &self,
        encoder: &GivenEncoder,
        config: &RunConfig,
        cache: &CacheLocation,
        device: &ComputeDevice,
        context: &Context,
    ) -> Result<Workload, Failure> {
        match self {
            Self::Files(inputs) => {
                let (observer, shutdown) = (context.observer(), &context.shutdown);
                let survey = pipeline::survey(inputs, config, cache, observer.as_ref(), shutdown)?;
                let cached = match encoder {
                    GivenEncoder::Folder(encoder) => {
                        let settings = &config.embeddings;
                        let (precision, _) = device.precision(settings.precision)?;
                        let space = EmbeddingSpace::new(encoder, settings, precision);
                        pipeline::cached(cache, &space, &device.name, survey.sequences())?
                    }
                    GivenEncoder::Shape(_) => BTreeSet::new(),
                };
                Ok(survey.workload(encoder.shape(), config, |digest| cached.contains(digest)))
            }
            Self::Counts { proteins, pairs, mean_length } => {
                let [proteins, pairs, mean] = [*proteins, *pairs, *mean_length].map(f64::from);
                let all = Lengths::spread(proteins, mean, &config.embeddings);
                Ok(Workload {
                    encoder: encoder.shape(),
                    proteins,
                    all,
                    missing: all,
                    token_budget: config.embeddings.token_budget,
                    precision: config.embeddings.precision,
                    pairs: Counts::split(pairs, &config.dataset),
                    input_bytes: Workload::input_bytes(proteins, proteins * mean, pairs),
                    learning: Learning::new(config.seeds, &config.training, &config.classifier),
                })
            }
        }
    }

    /// The published figure for these counts, to compare with.
    pub(super) fn reference(&self) -> Option<Reference> {
        match self {
            Self::Counts { proteins, pairs, .. } => Reference::of(*proteins, *pairs),
            Self::Files(_) => None,
        }
    }
}
