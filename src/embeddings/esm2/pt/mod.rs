//! fair-esm's `.pt` files, which `torch.save` writes: a zip archive of raw tensors with a pickle that
//! says what they are. Nothing in it is executed, and tensors are used where they lie in the mapped
//! file.
//!
//! The pickle holds `{"cfg": {"model": Namespace}, "model": {name: tensor}}`; the sizes of the network
//! are attributes of the namespace, as `esm/pretrained.py` of fair-esm 2.0.0 reads them.

mod archive;
mod names;
mod pickle;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};

use super::{EncoderError, Esm2Config};
use crate::storage::{self, Context, MappedFile};
use archive::Archive;
use pickle::{Pickle, Place, Value};

/// What `pretrained.py` reads beside a model and the embedding does not need.
const REGRESSION: &str = "-contact-regression";
/// In both layer normalisations that fair-esm builds ESM-2 with (PyTorch's default).
const LAYER_NORM_EPS: f64 = 1e-5;
/// What published models begin with, and what their files are named after.
const PUBLISHED: &str = "esm2_";

/// Why a file is not read.
#[derive(Debug)]
enum Problem {
    /// It contradicts itself.
    Damaged(String),
    /// It is sound and something else than expected.
    Foreign(String),
}

impl Problem {
    fn of(self, path: &Path) -> EncoderError {
        let path = path.to_owned();
        match self {
            Self::Damaged(problem) => EncoderError::Damaged { path, problem },
            Self::Foreign(problem) => EncoderError::NotFairEsm { path, problem },
        }
    }
}

/// The `.pt` file that a user means: the path itself or, in a folder without `config.json`, the only
/// one there.
pub(super) fn find(place: &Path) -> Result<Option<PathBuf>, EncoderError> {
    if place.is_file() {
        return Ok(Some(place.to_owned()));
    }
    if !place.is_dir() || place.join(super::CONFIG).exists() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(place).context("list", place)? {
        let path = entry.context("list", place)?.path();
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        if path.extension() == Some(OsStr::new("pt")) && !stem.ends_with(REGRESSION) {
            found.push(path);
        }
    }
    found.sort();
    match found.as_slice() {
        [first, second, ..] => {
            let name = |path: &PathBuf| {
                path.file_name().unwrap_or_default().to_string_lossy().into_owned()
            };
            let (folder, names) = (place.to_owned(), [name(first), name(second)]);
            Err(EncoderError::SeveralFiles { folder, names })
        }
        _ => Ok(found.pop()),
    }
}

/// The name of a published model, which its file has.
pub(super) fn published_name(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    stem.starts_with(PUBLISHED).then(|| stem.to_owned())
}

/// Maps a file, compares it with its checksums and reads the sizes of its network.
pub(super) fn open(path: &Path) -> Result<(Esm2Config, MappedFile), EncoderError> {
    let mapped = storage::map(path)?;
    let saved = Saved::read(mapped.as_ref()).map_err(|problem| problem.of(path))?;
    saved.archive.verify(&mapped).map_err(|problem| problem.of(path))?;
    let config = saved.config().map_err(|problem| problem.of(path))?;
    Ok((config, mapped))
}

/// Every tensor of a file, by Hugging Face's name where it has one.
pub(super) fn tensors<'a>(
    path: &Path,
    bytes: &'a [u8],
) -> Result<Vec<(String, TensorView<'a>)>, EncoderError> {
    let tensors = Saved::read(bytes).and_then(|saved| saved.tensors());
    tensors.map_err(|problem| problem.of(path))
}

/// What `torch.save` was given.
struct Saved<'a> {
    archive: Archive<'a>,
    pickle: Pickle<'a>,
}

impl<'a> Saved<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Problem> {
        let archive = Archive::open(bytes)?;
        if archive.file("byteorder").is_some_and(|order| order != b"little") {
            return Err(foreign("it was saved on a machine that is not little-endian"));
        }
        let pickle = archive.file("data.pkl").unwrap_or_default();
        let pickle = Pickle::parse(pickle).map_err(Problem::Damaged)?;
        Ok(Self { archive, pickle })
    }

    /// The sizes of the network; the feed-forward blocks of fair-esm's ESM-2 are four times as wide
    /// as its states.
    fn config(&self) -> Result<Esm2Config, Problem> {
        let root = self.pickle.root();
        let sizes = self.pickle.get(root, "cfg").and_then(|cfg| self.pickle.get(cfg, "model"));
        let sizes = sizes.ok_or_else(|| {
            foreign("it has no `cfg` with a `model`, which tells the sizes of the network")
        })?;
        let get = |name: &str| {
            let value = self.pickle.get(sizes, name);
            value.ok_or_else(|| foreign(&format!("its `cfg` has no `{name}`")))
        };
        let count = |name: &str| {
            let count = self.pickle.count(get(name)?);
            count.ok_or_else(|| foreign(&format!("`{name}` in its `cfg` is no size")))
        };
        let Value::Bool(token_dropout) = *self.pickle.value(get("token_dropout")?) else {
            return Err(foreign("`token_dropout` in its `cfg` is neither `True` nor `False`"));
        };
        let hidden_size = count("encoder_embed_dim")?;
        let config = Esm2Config {
            vocab_size: super::tokenizer::VOCABULARY.len(),
            hidden_size,
            num_hidden_layers: count("encoder_layers")?,
            num_attention_heads: count("encoder_attention_heads")?,
            intermediate_size: hidden_size.saturating_mul(4),
            layer_norm_eps: LAYER_NORM_EPS,
            token_dropout,
        };
        config.check().map_err(Problem::Foreign)?;
        Ok(config)
    }

    fn tensors(&self) -> Result<Vec<(String, TensorView<'a>)>, Problem> {
        let model = self.pickle.get(self.pickle.root(), "model");
        let model = model.and_then(|model| self.pickle.pairs(model));
        let model = model.ok_or_else(|| foreign("it has no `model` with the tensors"))?;
        let mut tensors = Vec::with_capacity(model.len());
        for (name, value) in model {
            let name = self.pickle.text(*name);
            let name = name.ok_or_else(|| foreign("a tensor in its `model` has no name"))?;
            let of = |problem: &str| format!("its tensor `{}` {problem}", archive::shown(name));
            let described = Described::find(&self.pickle, *value);
            let described = described.ok_or_else(|| foreign(&of("is no plain tensor")))?;
            if !described.is_contiguous() {
                return Err(foreign(&of("does not lie row by row")));
            }
            let view = described.view(&self.archive);
            let view = view.ok_or_else(|| Problem::Damaged(of("is not all there")))?;
            tensors.push((names::hugging_face(name), view));
        }
        Ok(tensors)
    }
}

/// A tensor as the pickle describes it.
struct Described<'p> {
    dtype: Dtype,
    /// The file with the numbers.
    key: &'p str,
    /// Numbers in the file before the first one.
    offset: usize,
    shape: Vec<usize>,
    /// How many numbers further the next one of each dimension lies.
    strides: Vec<usize>,
}

impl<'p> Described<'p> {
    /// `_rebuild_tensor_v2(storage, offset, size, stride, ...)`, also as the data of a parameter.
    fn find(pickle: &Pickle<'p>, place: Place) -> Option<Self> {
        const MODULE: &str = "torch._utils";
        let data = pickle.arguments(place, MODULE, "_rebuild_parameter");
        let place = data.and_then(|data| data.first()).copied().unwrap_or(place);
        let arguments = pickle.arguments(place, MODULE, "_rebuild_tensor_v2")?;
        let [storage, offset, shape, strides, ..] = arguments else { return None };
        let Value::Outside(storage) = pickle.value(*storage) else { return None };
        // ("storage", class, key, device, numbers)
        let [_, class, key, ..] = pickle.items(*storage)? else { return None };
        let Value::Global { name: class, .. } = pickle.value(*class) else { return None };
        Some(Self {
            dtype: dtype(class)?,
            key: pickle.text(*key)?,
            offset: pickle.count(*offset)?,
            shape: pickle.counts(*shape)?,
            strides: pickle.counts(*strides)?,
        })
    }

    /// Whether the numbers lie one behind the other; where there is one place only, its stride does
    /// not matter.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1_usize;
        let mut dimensions = self.shape.iter().zip(&self.strides).rev();
        self.shape.len() == self.strides.len()
            && dimensions.all(|(length, stride)| {
                let fits = *length <= 1 || *stride == expected;
                expected = expected.saturating_mul(*length);
                fits
            })
    }

    fn view<'a>(&self, archive: &Archive<'a>) -> Option<TensorView<'a>> {
        let count =
            self.shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length))?;
        let size = self.dtype.bitsize() / 8;
        let start = self.offset.checked_mul(size)?;
        let end = start.checked_add(count.checked_mul(size)?)?;
        let bytes = archive.file(&format!("data/{}", self.key))?.get(start..end)?;
        TensorView::new(self.dtype, self.shape.clone(), bytes).ok()
    }
}

/// The number format of a class of storage.
fn dtype(class: &str) -> Option<Dtype> {
    Some(match class {
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::BF16,
        "DoubleStorage" => Dtype::F64,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::BOOL,
        _ => return None,
    })
}

fn foreign(problem: &str) -> Problem {
    Problem::Foreign(problem.to_owned())
}
