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

    /// The sum of precision times gain in recall over the groups.
    pub(super) fn average_precision(&self) -> Option<f64> {
        let (mut hits, mut seen, mut sum) = (0, 0, 0.0);
        for group in &self.groups {
            hits += group.positives;
            seen += group.positives + group.negatives;
            sum += group.positives as f64 * hits as f64 / seen as f64;
        }
        (self.positives > 0).then(|| sum / self.positives as f64)
    }
}
