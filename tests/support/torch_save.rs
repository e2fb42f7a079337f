//! `.pt` files as `torch.save` writes them, made without PyTorch: expressions of a pickle of protocol 2
//! and a zip archive of files that are not compressed.
//!
//! ```ignore
//! let model = [("embed_tokens.weight", tensor("FloatStorage", "0", &[33, 8]))];
//! let root = dictionary(&[("cfg", cfg(&sizes)), ("model", dictionary(&model))]);
//! fs::write(path, archive(&[("data.pkl", pickle(&root)), ("data/0", numbers)]))?;
//! ```

use flate2::Crc;

/// A step or several.
pub(crate) type Steps = Vec<u8>;

/// A whole pickle of one value.
pub(crate) fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

pub(crate) fn text(text: &str) -> Steps {
    let length = u32::try_from(text.len()).unwrap();
    [b"X", &length.to_le_bytes()[..], text.as_bytes()].concat()
}

pub(crate) fn number(number: usize) -> Steps {
    [b"\x8a\x08", &(number as u64).to_le_bytes()[..]].concat()
}

pub(crate) fn boolean(value: bool) -> Steps {
    vec![if value { 0x88 } else { 0x89 }]
}

pub(crate) fn tuple(items: &[Steps]) -> Steps {
    [b"(", &items.concat()[..], b"t"].concat()
}

pub(crate) fn dictionary<N: AsRef<str>>(entries: &[(N, Steps)]) -> Steps {
    let entries = entries.iter().map(|(name, value)| [text(name.as_ref()), value.clone()].concat());
    [b"}(", &entries.collect::<Vec<_>>().concat()[..], b"u"].concat()
}

pub(crate) fn global(module: &str, name: &str) -> Steps {
    format!("c{module}\n{name}\n").into()
}

/// What calls a function when Python reads it.
pub(crate) fn call(function: &[u8], arguments: &[Steps]) -> Steps {
    [function, &tuple(arguments), b"R"].concat()
}

/// `argparse.Namespace` with attributes.
pub(crate) fn namespace(attributes: &[(&str, Steps)]) -> Steps {
    [&global("argparse", "Namespace")[..], b")\x81", &dictionary(attributes), b"b"].concat()
}

/// What fair-esm keeps of an ESM-2 besides its tensors.
pub(crate) fn cfg([layers, width, heads]: [usize; 3]) -> Steps {
    let sizes = namespace(&[
        ("encoder_layers", number(layers)),
        ("encoder_embed_dim", number(width)),
        ("encoder_attention_heads", number(heads)),
        ("token_dropout", boolean(true)),
    ]);
    dictionary(&[("model", sizes)])
}

/// A tensor whose numbers are the file `data/KEY`, row by row.
pub(crate) fn tensor(storage: &str, key: &str, shape: &[usize]) -> Steps {
    let stride = |axis: usize| shape[axis + 1..].iter().product();
    let strides: Vec<_> = (0..shape.len()).map(stride).collect();
    strided_tensor(storage, key, shape, &strides)
}

/// A tensor whose numbers are the file `data/KEY`.
pub(crate) fn strided_tensor(
    storage: &str,
    key: &str,
    shape: &[usize],
    strides: &[usize],
) -> Steps {
    let numbers =
        |numbers: &[usize]| tuple(&numbers.iter().copied().map(number).collect::<Vec<_>>());
    // Dyad reads what is there, whatever count is claimed here.
    let described = [text("storage"), global("torch", storage), text(key), text("cpu"), number(0)];
    let storage = [&tuple(&described)[..], b"Q"].concat();
    let hooks = call(&global("collections", "OrderedDict"), &[]);
    let arguments = [storage, number(0), numbers(shape), numbers(strides), boolean(false), hooks];
    call(&global("torch._utils", "_rebuild_tensor_v2"), &arguments)
}

/// A zip archive of files below `archive/`.
pub(crate) fn archive<N: AsRef<str>>(files: &[(N, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let name = format!("archive/{}", name.as_ref());
        let mut crc = Crc::new();
        crc.update(content);
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        let place = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let described = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &crc.sum().to_le_bytes(),
            &length,
            &length,
            &u16::try_from(name.len()).unwrap().to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        bytes.extend([b"PK\x03\x04", &described[..], name.as_bytes(), content].concat());
        let row = [b"PK\x01\x02\x14\0", &described[..], &[0; 10], &place, name.as_bytes()];
        directory.extend(row.concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let place = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &place, &[0; 2]].concat();
    [bytes, directory, end].concat()
}
