//! The cost of the encoder from a few measured batches.

/// Seconds per token of a batch of sequences of one length: `sequence / length + token + pair *
/// length`, each at least 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct TokenCost {
    /// Seconds per sequence.
    pub(super) sequence: f64,
    /// Seconds per token.
    pub(super) token: f64,
    /// Seconds per pair of tokens.
    pub(super) pair: f64,
}

impl TokenCost {
    /// The cost that fits `measured` pairs of length in tokens and seconds per token best, by the
    /// smallest sum of squared relative errors.
    ///
    /// There are three terms, so that the best fit without negative ones is found among the fits
    /// of all their subsets.
    pub(super) fn fit(measured: &[(f64, f64)]) -> Self {
        let fits = (1..8_u8).filter_map(|chosen| subset(measured, chosen));
        let error = |cost: &Self| -> f64 {
            measured.iter().map(|(length, y)| (cost.per_token(*length) / y - 1.0).powi(2)).sum()
        };
        fits.min_by(|one, other| error(one).total_cmp(&error(other))).unwrap_or_default()
    }

    /// Seconds per token at a length.
    pub(super) fn per_token(self, length: f64) -> f64 {
        self.sequence / length + self.token + self.pair * length
    }
}

/// The least-squares fit of the chosen terms alone, if it needs no negative one.
fn subset(measured: &[(f64, f64)], chosen: u8) -> Option<TokenCost> {
    let is_chosen = |term: usize| chosen & (1 << term) != 0;
    // Terms relative to the measured value, which is 1.
    let rows = measured.iter().map(|(length, y)| [1.0 / length / y, 1.0 / y, length / y]);
    let mut system = [[0.0; 4]; 3];
    for row in rows {
        for i in (0..3).filter(|i| is_chosen(*i)) {
            for j in (0..3).filter(|j| is_chosen(*j)) {
                system[i][j] += row[i] * row[j];
            }
            system[i][3] += row[i];
        }
    }
    for i in (0..3).filter(|i| !is_chosen(*i)) {
        system[i][i] = 1.0;
    }
    let [sequence, token, pair] = solve(system)?;
    let terms = [sequence, token, pair];
    terms.iter().all(|term| *term >= 0.0).then_some(TokenCost { sequence, token, pair })
}

/// Gaussian elimination of three equations; the right side is the fourth column.
fn solve(mut system: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let pivot = (column..3)
            .max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))?;
        system.swap(column, pivot);
        let leading = system[column];
        if leading[column] == 0.0 {
            return None;
        }
        for (row, line) in system.iter_mut().enumerate() {
            if row != column {
                let factor = line[column] / leading[column];
                line.iter_mut().zip(leading).for_each(|(value, l)| *value -= factor * l);
            }
        }
    }
    let solution = [0, 1, 2].map(|row| system[row][3] / system[row][row]);
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_of_a_cost_are_found_again() {
        let cost = TokenCost { sequence: 2e-3, token: 1e-4, pair: 3e-7 };
        let measured: Vec<_> =
            [52.0, 152.0, 402.0, 1024.0].map(|l| (l, cost.per_token(l))).to_vec();
        let found = TokenCost::fit(&measured);
        for (found, true_cost) in
            [(found.sequence, cost.sequence), (found.token, cost.token), (found.pair, cost.pair)]
        {
            assert!((found / true_cost - 1.0).abs() < 1e-6, "{found} {true_cost}");
        }
    }

    #[test]
    fn no_term_is_negative_whatever_was_measured() {
        // Falling faster than any sum of the terms.
        let found = TokenCost::fit(&[(50.0, 1e-3), (150.0, 1e-4), (400.0, 1e-5)]);
        assert!(found.sequence > 0.0 && found.token >= 0.0 && found.pair >= 0.0, "{found:?}");
        assert_eq!(TokenCost::fit(&[]), TokenCost::default());
    }
}
