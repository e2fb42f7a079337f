//! Seconds from a workload and a profile.

use serde::Serialize;

use super::component::{Component, Seconds};
use super::instance::Instance;
use super::profile::Profile;
use super::workload::{Lengths, Workload};

/// Operations for each activation of the first layer when a pair is scored: its two sums, their
/// normalisation and activation, bound by memory and counted as so many.
const ACTIVATION_FLOPS: f64 = 40.0;

/// Seconds of a run of the program on a device, without what the platform does before.
pub fn predict(work: &Workload, profile: &Profile) -> Seconds {
    let mut seconds = Seconds::default();
    // The weights are read once to be digested, and the files of the run are made.
    seconds.add(Component::StartUp, profile.fixed + work.encoder.bytes() / profile.weights);
    seconds.add(Component::Sequences, work.input_bytes / profile.read);
    seconds.add(Component::Negatives, work.pairs.total() / profile.pairs);
    seconds.add(Component::Embedding, embedding(work, profile));
    seconds.add(Component::Training, work.learning.all_epochs() * epoch(work, profile));
    let writing = work.proteins * work.encoder.width as f64 / profile.values;
    let scored = work.pairs.validation + work.pairs.test;
    let scoring = work.learning.trainings * scoring(work, profile, scored, 2.0);
    seconds.add(Component::Evaluation, profile.fixed + writing + scoring);
    seconds
}

fn embedding(work: &Workload, profile: &Profile) -> f64 {
    let encoder = &work.encoder;
    // The table is read from the store, verified, whatever was cached.
    let reading = work.all.sequences * encoder.width as f64 / profile.values;
    let Lengths { pieces, tokens, token_pairs, .. } = work.missing;
    if pieces == 0.0 {
        return reading;
    }
    let budget = work.token_budget.unwrap_or(profile.token_budget) as f64;
    let batches = (tokens / budget).ceil();
    let layers = encoder.layers as f64;
    reading
        + encoder.bytes() / profile.weights
        + tokens * encoder.linear_flops() / profile.linear_rate(encoder.width)
        + token_pairs * encoder.attention_flops() / profile.attention
        + layers * (pieces * profile.sequence + batches * profile.batch)
}

/// Seconds of an epoch with its validation.
pub(super) fn epoch(work: &Workload, profile: &Profile) -> f64 {
    let steps = (work.pairs.train / work.learning.batch_size as f64).ceil();
    let parameters = parameters(work.encoder.width, &work.learning.hidden_sizes);
    let pair = train_flops(work.encoder.width, &work.learning.hidden_sizes);
    let training = steps * (profile.step + parameters * profile.parameter)
        + work.pairs.train * pair / profile.train;
    training + scoring(work, profile, work.pairs.validation, 1.0)
}

/// Seconds of scoring `pairs` in `passes`, each of which computes the first layer of every protein.
fn scoring(work: &Workload, profile: &Profile, pairs: f64, passes: f64) -> f64 {
    let hidden = &work.learning.hidden_sizes;
    let first = hidden.first().copied().unwrap_or_default() as f64;
    let halves = passes * work.proteins * 4.0 * work.encoder.width as f64 * first / profile.train;
    halves + pairs * score_flops(hidden) / profile.score
}

/// Parameters of the classifier: two halves of the first layer, the further layers, the output.
pub(super) fn parameters(dimension: usize, hidden: &[usize]) -> f64 {
    let first = hidden.first().copied().unwrap_or_default() as f64;
    let last = hidden.last().copied().unwrap_or_default() as f64;
    2.0 * dimension as f64 * first + inner(hidden) + last
}

/// Operations for a pair in a training step: the first layer's half sum on the sum of both proteins
/// and its half difference on their difference, forward and for the gradient of the weights; the
/// further layers forward, and for both gradients.
pub(super) fn train_flops(dimension: usize, hidden: &[usize]) -> f64 {
    let first = hidden.first().copied().unwrap_or_default() as f64;
    2.0 * 2.0 * 2.0 * dimension as f64 * first + 3.0 * 2.0 * inner(hidden)
}

/// Operations for a scored pair whose proteins went through the first layer before.
pub(super) fn score_flops(hidden: &[usize]) -> f64 {
    let first = hidden.first().copied().unwrap_or_default() as f64;
    ACTIVATION_FLOPS * first + 2.0 * inner(hidden)
}

/// The weights between the hidden layers.
fn inner(hidden: &[usize]) -> f64 {
    hidden.windows(2).map(|pair| (pair[0] * pair[1]) as f64).sum()
}

/// What the platform does before the program runs, which is billed: assumptions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StartUp {
    /// Seconds until the image is there and the program starts.
    pub image: f64,
    /// Bytes of the channels that are copied per second.
    pub copied_per_second: f64,
}

/// The small CPU image takes a few seconds, one with CUDA's libraries a minute or two; channels
/// come from S3 at about 100 MB/s. Waiting for capacity is not billed and not counted.
pub fn start_up(instance: &Instance) -> StartUp {
    let image = if instance.has_gpu() { 120.0 } else { 30.0 };
    StartUp { image, copied_per_second: 100e6 }
}

impl StartUp {
    /// The seconds for a workload: pairs, sequences and weights are copied.
    pub fn seconds(&self, work: &Workload) -> f64 {
        self.image + (work.input_bytes + work.encoder.bytes()) / self.copied_per_second
    }
}
