//! Scores of many pairs over one table of embeddings.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{PairClassifier, Temperature};

/// Pairs scored at once: enough for full matrix products, little enough for any device.
const BATCH: usize = 4096;

/// Standardised embeddings on a device, `[proteins, dimension]`.
pub type EmbeddingTable = Tensor<2>;

/// Brings standardised embeddings, row after row, to a device.
pub fn embedding_table(values: Vec<f32>, dimension: usize, device: &Device) -> EmbeddingTable {
    let shape = [values.len() / dimension, dimension];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The interaction probability of each pair of rows of `table`, before any calibration.
pub fn score(
    classifier: &PairClassifier,
    table: &EmbeddingTable,
    pairs: impl IntoIterator<Item = (u32, u32)>,
) -> Vec<f64> {
    Temperature::ONE.probabilities(&logits(classifier, table, pairs))
}

/// The logit of each pair of rows of `table`.
///
/// The first layer is computed once per protein of the pairs.
pub fn logits(
    classifier: &PairClassifier,
    table: &EmbeddingTable,
    pairs: impl IntoIterator<Item = (u32, u32)>,
) -> Vec<f64> {
    let device = table.device();
    let rows = |rows: Vec<usize>| {
        let rows: Vec<i64> = rows.into_iter().filter_map(|row| row.try_into().ok()).collect();
        let length = rows.len();
        Tensor::<1, Int>::from_data(TensorData::new(rows, [length]), &device)
    };
    let pairs: Vec<(u32, u32)> = pairs.into_iter().collect();
    if pairs.is_empty() {
        return Vec::new();
    }
    let mut proteins: Vec<u32> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    proteins.sort_unstable();
    proteins.dedup();
    let used = rows(proteins.iter().map(|protein| *protein as usize).collect());
    let halves = classifier.halves(table.clone().select(0, used));
    let place = |protein| proteins.partition_point(|other| *other < protein);
    let mut all = Vec::with_capacity(pairs.len());
    for batch in pairs.chunks(BATCH) {
        let select = |side: fn(&(u32, u32)) -> u32| {
            halves.select(rows(batch.iter().map(|pair| place(side(pair))).collect()))
        };
        let (a, b) = (select(|pair| pair.0), select(|pair| pair.1));
        let logits = classifier.forward(a, b);
        all.extend(logits.into_data().iter::<f32>().map(f64::from));
    }
    all
}
