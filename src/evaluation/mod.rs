//! Evaluation: how good scores are against labels. Undefined metrics are absent, never invented.
