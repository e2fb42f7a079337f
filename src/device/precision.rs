//! The number format of the encoder's forward pass, as the user asks for it and as it is.

use std::fmt;
use std::str::FromStr;

use burn::tensor::FloatDType;
use serde::{Deserialize, Serialize};

/// A number format that devices compute in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point with the range of 32 bits and 8 bits of precision.
    Bf16,
    /// 16-bit floating point with 11 bits of precision.
    F16,
}

impl Precision {
    /// The name in settings and in descriptions of embedding spaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// The bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }

    pub(crate) fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a user asks for, written `auto`, `f32`, `bf16` or `f16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionChoice {
    /// What the device computes fastest without leaving the accuracy that embeddings need.
    Auto,
    /// 32-bit floating point.
    F32,
    /// Brain floating point, on CPUs that have the instructions.
    Bf16,
    /// Half precision, on GPUs.
    F16,
}

impl PrecisionChoice {
    /// The words in which it is written.
    pub const WORDS: &'static [&'static str] = &["auto", "f32", "bf16", "f16"];

    /// The format, unless the device is to decide.
    pub fn fixed(self) -> Option<Precision> {
        match self {
            Self::Auto => None,
            Self::F32 => Some(Precision::F32),
            Self::Bf16 => Some(Precision::Bf16),
            Self::F16 => Some(Precision::F16),
        }
    }
}

impl From<Precision> for PrecisionChoice {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::Bf16 => Self::Bf16,
            Precision::F16 => Self::F16,
        }
    }
}

/// A text that names no number format.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number format: expected `f32`, `bf16` or `f16`")]
pub struct ParsePrecisionError(String);

impl FromStr for Precision {
    type Err = ParsePrecisionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::F32, Self::Bf16, Self::F16]
            .into_iter()
            .find(|precision| precision.name() == text)
            .ok_or_else(|| ParsePrecisionError(text.chars().take(80).collect()))
    }
}
