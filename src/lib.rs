//! Dyad trains protein-protein interaction classifiers from pairs, sequences and ESM-2 embeddings.
//!
//! The pipeline is the architecture: [`interactions`] reads pairs and accounts for every row,
//! [`sequences`] finds the residues of each protein, [`embeddings`] turns residues into vectors and
//! keeps them in a content-addressed store, [`dataset`] splits the pairs and draws negatives,
//! [`classifier`] is the symmetric network on two embeddings, [`training`] fits it and survives any
//! interruption, [`evaluation`] measures it on pairs that nothing else has seen, [`artifacts`]
//! writes the model directory and [`inference`] reads it back to score new pairs. [`estimate`] tells
//! beforehand what all of it takes and costs, and [`report`] afterwards what the numbers mean.
//!
//! | Layer | Modules | May use |
//! |---|---|---|
//! | 0 values | `digest`, `protein` | nothing of ours |
//! | 1 edges | `storage`, `progress`, `device`, `shutdown`; `http`, `process` | 0; these two also `storage` and `shutdown` |
//! | 2 stages | the modules above, in that order, and `sample` | 0, 1, earlier stages |
//! | 3 | `config` | the stages' `Settings` |
//! | 4 | `pipeline` | 0 to 3 |
//! | 5 | `container`, `cli`, `main` | all above |
//!
//! `tests/layering.rs` holds the table; `docs/architecture.md` explains it.
#![recursion_limit = "256"]

// In pipeline order; an empty line keeps the formatter from sorting.

pub mod digest;
pub mod protein;

pub mod device;
pub mod http;
pub mod process;
pub mod progress;
pub mod shutdown;
pub mod storage;

pub mod interactions;

pub mod sequences;

pub mod embeddings;

pub mod dataset;

pub mod classifier;

pub mod evaluation;

pub mod training;

pub mod artifacts;

pub mod inference;

pub mod estimate;

pub mod report;

pub mod sample;

pub mod config;

pub mod pipeline;

pub mod container;

pub mod cli;
