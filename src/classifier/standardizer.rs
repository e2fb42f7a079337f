//! Standardisation of embeddings with statistics of the training part.

/// Mean and standard deviation of each embedding dimension over the training proteins.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardizer {
    /// The means, one per dimension.
    pub mean: Vec<f32>,
    /// The population standard deviations; 1 where a dimension never varies.
    pub deviation: Vec<f32>,
}

impl Standardizer {
    /// The statistics of `rows` of the table `[n, dimension]`, each row counted once.
    pub fn fit(table: &[f32], dimension: usize, rows: &[u32]) -> Self {
        let row = |index: &u32| &table[*index as usize * dimension..][..dimension];
        let count = rows.len().max(1) as f64;
        let mut mean = vec![0.0; dimension];
        for values in rows.iter().map(row) {
            mean.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        mean.iter_mut().for_each(|sum: &mut f64| *sum /= count);
        let mut variance = vec![0.0; dimension];
        for values in rows.iter().map(row) {
            for ((sum, value), mean) in variance.iter_mut().zip(values).zip(&mean) {
                *sum += (f64::from(*value) - mean).powi(2);
            }
        }
        let deviation = variance.into_iter().map(|sum: f64| match (sum / count).sqrt() {
            deviation if deviation > 1e-12 => deviation as f32,
            _ => 1.0,
        });
        let deviation = deviation.collect();
        Self { mean: mean.into_iter().map(|value| value as f32).collect(), deviation }
    }

    /// Standardises every row of the table `[n, dimension]` in place.
    pub fn apply(&self, table: &mut [f32]) {
        for row in table.chunks_exact_mut(self.mean.len().max(1)) {
            for ((value, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *value = (*value - mean) / deviation;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_given_rows_set_the_statistics() {
        let mut table = [1.0, 5.0, 3.0, 5.0, 100.0, 7.0];
        let standardizer = Standardizer::fit(&table, 2, &[0, 1]);
        assert_eq!(standardizer.mean, [2.0, 5.0]);
        assert_eq!(standardizer.deviation, [1.0, 1.0], "a constant dimension keeps its scale");
        standardizer.apply(&mut table);
        assert_eq!(table.to_vec(), vec![-1.0, 0.0, 1.0, 0.0, 98.0, 2.0]);
    }
}
