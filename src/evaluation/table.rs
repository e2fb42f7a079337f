//! Metrics as people read them.

use std::fmt;

use super::Metrics;

impl fmt::Display for Metrics {
    /// Two aligned columns, one metric a line, without a final line break; an undefined metric is
    /// `undefined`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Option<f64>| match value {
            Some(value) => format!("{value:.4}"),
            None => "undefined".to_owned(),
        };
        let rows = [
            ("pairs", self.n.to_string()),
            ("positives", self.positives.to_string()),
            ("prevalence", number(self.prevalence)),
            ("AUROC", number(self.auroc)),
            ("average precision", number(self.average_precision)),
            ("threshold", format!("{:.6}", self.threshold)),
            ("MCC", number(self.mcc)),
            ("F1", number(self.f1)),
            ("precision", number(self.precision)),
            ("recall", number(self.recall)),
            ("accuracy", number(self.accuracy)),
            ("Brier score", number(self.brier)),
            ("log loss", number(self.log_loss)),
            ("ECE (15 bins)", number(self.ece)),
            ("true positives", self.confusion.true_positives.to_string()),
            ("false positives", self.confusion.false_positives.to_string()),
            ("true negatives", self.confusion.true_negatives.to_string()),
            ("false negatives", self.confusion.false_negatives.to_string()),
        ];
        for (row, (name, value)) in rows.iter().enumerate() {
            let end = if row + 1 < rows.len() { "\n" } else { "" };
            write!(f, "{name:<18} {value}{end}")?;
        }
        Ok(())
    }
}
