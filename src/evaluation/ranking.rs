//! What depends on the order of scores alone: AUROC and average precision.

/// Labels grouped by distinct score, from the highest score to the lowest.
pub(super) struct Ranking {
    groups: Vec<Group>,
    positives: usize,
    negatives: usize,
}

/// The pairs of one score.
pub(super) struct Group {
    pub(super) score: f64,
    pub(super) positives: usize,
    pub(super) negatives: usize,
}

impl Ranking {
    #[expect(clippy::float_cmp, reason = "a tie is an equal score, not a near one")]
    pub(super) fn new(scores: &[f64], labels: &[bool]) -> Self {
        let mut pairs: Vec<_> = scores.iter().copied().zip(labels.iter().copied()).collect();
        pairs.sort_unstable_by(|(one, _), (other, _)| other.total_cmp(one));
        let group = |pairs: &[(f64, bool)]| {
            let positives = pairs.iter().filter(|(_, label)| *label).count();
            Group { score: pairs[0].0, positives, negatives: pairs.len() - positives }
        };
        let groups: Vec<_> = pairs.chunk_by(|one, other| one.0 == other.0).map(group).collect();
        let positives = groups.iter().map(|group| group.positives).sum();
        Self { groups, positives, negatives: pairs.len() - positives }
    }

    /// The groups, from the highest score to the lowest.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The Mann-Whitney statistic over the number of couples; a tie counts half, which is what
    /// mid-ranks give. Exact until the division.
    pub(super) fn auroc(&self) -> Option<f64> {
        let couples = self.positives as u128 * self.negatives as u128;
        let mut above = 0;
        let mut doubled = 0;
        for group in &self.groups {
            doubled += group.negatives as u128 * (2 * above + group.positives) as u128;
            above += group.positives;
        }
        (couples > 0).then(|| doubled as f64 / (2 * couples) as f64)
    }

    /// The sum of precision times gain in recall over the groups, where each negative counts for
    /// `negative_weight` pairs.
    pub(super) fn average_precision(&self, negative_weight: f64) -> Option<f64> {
        let (mut hits, mut misses, mut sum) = (0, 0, 0.0);
        for group in &self.groups {
            hits += group.positives;
            misses += group.negatives;
            let seen = hits as f64 + negative_weight * misses as f64;
            sum += group.positives as f64 * hits as f64 / seen;
        }
        (self.positives > 0).then(|| sum / self.positives as f64)
    }

    /// How many of each class there are: positives, negatives.
    pub(super) fn classes(&self) -> [usize; 2] {
        [self.positives, self.negatives]
    }
}

/// The order of one list of scores, for many AUROCs of the same scores under changing weights.
pub(super) struct Order {
    /// The pairs from the highest score to the lowest.
    places: Vec<u32>,
    /// Whether the pair at each place has the score of the one before.
    tied: Vec<bool>,
}

impl Order {
    #[expect(clippy::float_cmp, reason = "a tie is an equal score, not a near one")]
    pub(super) fn new(scores: &[f64]) -> Self {
        let score = |place: u32| scores[place as usize];
        let mut places: Vec<u32> = (0..).take(scores.len()).collect();
        places.sort_unstable_by(|one, other| {
            score(*other).total_cmp(&score(*one)).then(one.cmp(other))
        });
        let same = places.windows(2).map(|two| score(two[0]) == score(two[1]));
        let tied = std::iter::once(false).chain(same).take(scores.len()).collect();
        Self { places, tied }
    }

    /// The AUROC where pair number `i` counts for `weights[i]` pairs; absent where a class weighs
    /// nothing.
    pub(super) fn auroc(&self, labels: &[bool], weights: &[f64]) -> Option<f64> {
        // Weights of the positives above the present group, and of the group.
        let (mut above, mut group) = (0.0, [0.0; 2]);
        let (mut negatives, mut won) = (0.0, 0.0);
        let mut close = |group: [f64; 2], above: f64| {
            negatives += group[0];
            won += group[0] * (above + group[1] / 2.0);
        };
        for (place, tied) in self.places.iter().zip(&self.tied) {
            if !tied {
                close(group, above);
                above += group[1];
                group = [0.0; 2];
            }
            let pair = *place as usize;
            group[usize::from(labels[pair])] += weights[pair];
        }
        close(group, above);
        let couples = negatives * (above + group[1]);
        (couples > 0.0).then(|| won / couples)
    }
}
