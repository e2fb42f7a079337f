//! The shape of an encoder, which decides what it costs.

use serde::Serialize;

use crate::embeddings::esm2::{Esm2Config, Published, published, shape_name};

/// The bytes of a weight.
const WEIGHT_BYTES: f64 = 4.0;

/// The numbers of an ESM-2 network that decide its cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EncoderShape {
    /// The published name, or one made of layers and width.
    pub name: String,
    /// Transformer layers.
    pub layers: usize,
    /// The width of states and embeddings.
    pub width: usize,
    /// The width inside the feed-forward blocks.
    pub feed_forward: usize,
}

impl EncoderShape {
    /// The shape of a published model, by its name without the publisher's (`facebook/`).
    pub fn published(name: &str) -> Option<Self> {
        let Published { name, layers, width } = *published(name)?;
        Some(Self { name: name.to_owned(), layers, width, feed_forward: 4 * width })
    }

    /// The shape of a model that is there.
    pub fn of(config: &Esm2Config, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            feed_forward: config.intermediate_size,
        }
    }

    /// The name of the shape, by which calibrations are kept.
    pub fn shape_name(&self) -> String {
        shape_name(self.layers, self.width)
    }

    /// The weights of the layers: four projections of the states and two of the feed-forward
    /// block. The embedding of tokens is a lookup and costs nothing.
    fn layer_weights(&self) -> f64 {
        let (width, inner) = (self.width as f64, self.feed_forward as f64);
        self.layers as f64 * (4.0 * width * width + 2.0 * width * inner)
    }

    /// Floating-point operations per token outside attention: a multiplication and an addition for
    /// each weight.
    pub fn linear_flops(&self) -> f64 {
        2.0 * self.layer_weights()
    }

    /// Floating-point operations of attention for each pair of tokens of a sequence: one product
    /// for the scores and one for the values, in each layer.
    pub fn attention_flops(&self) -> f64 {
        4.0 * self.layers as f64 * self.width as f64
    }

    /// The bytes of the weights in 32-bit floating point.
    pub fn bytes(&self) -> f64 {
        WEIGHT_BYTES * self.layer_weights()
    }
}
