//! Sample: a synthetic interactome with a planted, learnable signal.
