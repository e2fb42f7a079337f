//! What is no `.pt` file of an ESM-2 model, and what it says.

use std::fmt::Write as _;

use super::torch_save::{boolean, call, global, namespace, number, strided_tensor, text};
use super::*;

/// Refusals of a file that is damaged or something else, one per line.
#[derive(Default)]
struct Page(String);

impl Page {
    fn refused(&mut self, case: &str, bytes: &[u8]) {
        let folder = folder_with(bytes);
        let error = Encoder::open(folder.path()).unwrap_err().to_string();
        let error = error.replace(&folder.path().display().to_string(), "FOLDER");
        writeln!(self.0, "{case}: {error}").unwrap();
    }

    /// The random encoder with a change before it is saved.
    fn changed(&mut self, case: &str, change: impl FnOnce(&mut Parts)) {
        let mut parts = Parts::random();
        change(&mut parts);
        self.refused(case, &parts.bytes(cfg(SIZES)));
    }

    fn with_cfg(&mut self, case: &str, cfg: Steps) {
        self.refused(case, &Parts::random().bytes(cfg));
    }
}

/// `bytes` with what stands `behind` the last place of `mark` replaced.
fn patched(mut bytes: Vec<u8>, mark: &[u8], behind: usize, new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(mark.len()).rposition(|window| window == mark).unwrap() + behind;
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn damaged_files_say_so() {
    let mut page = Page::default();
    let whole = Parts::random().bytes(cfg(SIZES));
    page.refused("empty", b"");
    page.refused("text", b"version https://git-lfs.github.com/spec/v1\n");
    page.refused("cut in half", &whole[..whole.len() / 2]);
    let end = b"PK\x05\x06";
    page.refused("the directory elsewhere", &patched(whole.clone(), end, 16, &[9, 0, 0, 0]));
    page.refused("more files than there are", &patched(whole.clone(), end, 10, &[0xff, 0xff]));
    let row = b"PK\x01\x02";
    page.refused("compressed", &patched(whole.clone(), row, 10, &[8, 0]));
    page.refused("encrypted", &patched(whole.clone(), row, 8, &[1]));
    page.refused("a file of four gigabytes", &patched(whole.clone(), row, 20, &[0xfe; 8]));
    page.refused("a flipped bit", &patched(whole, b"PK\x03\x04", 100, &[0x55]));
    let twice = [("data.pkl", pickle(&text("a"))), ("data.pkl", pickle(&text("b")))];
    page.refused("one name twice", &archive(&twice));
    // The second file claims to lie where the first one does.
    let overlapping = archive(&[("data.pkl", vec![b'N'; 1 << 10]), ("x", Vec::new())]);
    let overlapping = patched(overlapping, row, 20, &[0, 4, 0, 0, 0, 4, 0, 0]);
    page.refused("files that overlap", &patched(overlapping, row, 42, &[0; 4]));
    page.refused("without a pickle", &archive(&[("data/0", vec![0; 4])]));
    page.refused("another pickle", &archive(&[("data.pkl", b"\x80\x02I1\n.".to_vec())]));
    page.refused("an old pickle", &archive(&[("data.pkl", b"\x80\x01N.".to_vec())]));
    page.refused("half a pickle", &archive(&[("data.pkl", b"\x80\x02X\xff\xff\xff\xff".to_vec())]));
    page.refused("an endless pickle", &archive(&[("data.pkl", vec![b'N'; 2 << 20])]));
    page.refused("nothing to take", &archive(&[("data.pkl", b"\x80\x02R.".to_vec())]));
    insta::assert_snapshot!(page.0, @"
    empty: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (it is no zip archive, which `torch.save` writes since PyTorch 1.6); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    text: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (it is no zip archive, which `torch.save` writes since PyTorch 1.6); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    cut in half: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (the directory at its end is missing); fetch it again
    the directory elsewhere: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its directory is broken); fetch it again
    more files than there are: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its directory is broken); fetch it again
    compressed: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (`archive/data/60` in it is compressed or encrypted; `torch.save` does neither); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    encrypted: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (`archive/data/60` in it is compressed or encrypted; `torch.save` does neither); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    a file of four gigabytes: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (`archive/data/60` lies beyond its end); fetch it again
    a flipped bit: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (the checksum of `archive/data/60` is another); fetch it again
    one name twice: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (it holds `archive/data.pkl` twice); fetch it again
    files that overlap: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its files overlap); fetch it again
    without a pickle: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (it holds no `data.pkl`, which `torch.save` writes); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    another pickle: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its pickle has the step 0x49, which no weights need); fetch it again
    an old pickle: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its pickle is of protocol 1, expected 2 to 5); fetch it again
    half a pickle: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its pickle ends too early); fetch it again
    an endless pickle: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its pickle has more than 1048576 steps); fetch it again
    nothing to take: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its pickle is broken); fetch it again
    ");
}

#[test]
fn files_of_something_else_say_what_is_missing() {
    let mut page = Page::default();
    let big = [("data.pkl", pickle(&text("a"))), ("byteorder", b"big".to_vec())];
    page.refused("big-endian", &archive(&big));
    let tensors = Parts::random();
    page.refused("tensors alone", &tensors.bytes_of(&dictionary(&tensors.model)));
    page.refused(
        "no tensors",
        &archive(&[("data.pkl", pickle(&dictionary(&[("cfg", cfg(SIZES))])))]),
    );
    page.with_cfg("a `cfg` without heads", {
        let layers = ("encoder_layers", number(3));
        let width = ("encoder_embed_dim", number(32));
        let dropout = ("token_dropout", boolean(true));
        dictionary(&[("model", namespace(&[layers, width, dropout]))])
    });
    page.with_cfg("a `cfg` without token dropout", dictionary(&[("model", namespace(&[]))]));
    page.with_cfg("heads that do not fit", cfg([3, 32, 5]));
    page.with_cfg("more layers", cfg([4, 32, 4]));
    page.changed("ESM-1b", |parts| {
        for name in ["embed_positions.weight", "layers.0.self_attn.bias_k"] {
            parts.model.push((name.to_owned(), tensor("FloatStorage", "0", &[1])));
        }
    });
    let cases = [
        ("a tensor beyond its numbers", tensor("FloatStorage", "0", &[1 << 20, 1 << 20, 1 << 20])),
        ("a tensor of more than there can be", tensor("FloatStorage", "0", &[1 << 30; 3])),
        ("a tensor without numbers", tensor("FloatStorage", "../x", &[1])),
        ("a transposed tensor", strided_tensor("FloatStorage", "0", &[2, 2], &[1, 2])),
        ("doubles", tensor("DoubleStorage", "9", &[1])),
        ("a complex tensor", tensor("ComplexFloatStorage", "0", &[1])),
    ];
    for (case, tensor) in cases {
        page.changed(case, |parts| *parts.embed_tokens() = tensor);
    }
    insta::assert_snapshot!(page.0, @"
    big-endian: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (it was saved on a machine that is not little-endian); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    tensors alone: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (it has no `cfg` with a `model`, which tells the sizes of the network); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    no tensors: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (it has no `model` with the tensors); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    a `cfg` without heads: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (its `cfg` has no `encoder_attention_heads`); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    a `cfg` without token dropout: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (its `cfg` has no `token_dropout`); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    heads that do not fit: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (`hidden_size` 32 cannot be split into 5 heads of even width); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    more layers: the weights in `FOLDER` are not those that its `cfg` describes; take both from the same ESM-2 model: 16 missing: `encoder.layer.3.attention.self.query.weight`, `encoder.layer.3.attention.self.query.bias`, ...
    ESM-1b: the weights in `FOLDER` are not those that its `cfg` describes; take both from the same ESM-2 model: 2 left over: `embed_positions.weight`, `layers.0.self_attn.bias_k`
    a tensor beyond its numbers: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its tensor `encoder.sentence_encoder.embed_tokens.weight` is not all there); fetch it again
    a tensor of more than there can be: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its tensor `encoder.sentence_encoder.embed_tokens.weight` is not all there); fetch it again
    a tensor without numbers: `FOLDER/esm2_t3_UR50D.pt` is damaged or incomplete (its tensor `encoder.sentence_encoder.embed_tokens.weight` is not all there); fetch it again
    a transposed tensor: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (its tensor `encoder.sentence_encoder.embed_tokens.weight` does not lie row by row); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    doubles: the weights in `FOLDER` are not those that its `cfg` describes; take both from the same ESM-2 model: 1 mis-shaped: `embeddings.word_embeddings.weight: F64 [1], expected [33, 32]`
    a complex tensor: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (its tensor `encoder.sentence_encoder.embed_tokens.weight` is no plain tensor); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    ");
}

#[test]
fn nothing_in_a_file_is_executed() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    let command = format!("touch {}", witness.display());
    let run = call(&global("os", "system"), &[text(&command)]);
    // Beside what is read it is left alone, as PyTorch's own classes are.
    let parts = Parts::random();
    let root = dictionary(&[
        ("cfg", cfg(SIZES)),
        ("model", dictionary(&parts.model)),
        ("extra", run.clone()),
    ]);
    let saved = folder_with(&parts.bytes_of(&root));
    assert_eq!(embeddings(saved.path()), embeddings(&fixture::folder()));
    let mut page = Page::default();
    page.changed("in the place of a tensor", |parts| *parts.embed_tokens() = run.clone());
    page.with_cfg("in the place of the sizes", dictionary(&[("model", run)]));
    insta::assert_snapshot!(page.0, @"
    in the place of a tensor: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (its tensor `encoder.sentence_encoder.embed_tokens.weight` is no plain tensor); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    in the place of the sizes: `FOLDER/esm2_t3_UR50D.pt` is no `.pt` file of an ESM-2 model (its `cfg` has no `token_dropout`); give one as fair-esm publishes it, or the folder that Hugging Face publishes
    ");
    assert!(!witness.exists());
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = fs::read(made_by_fair_esm()).unwrap();
    for length in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let folder = folder_with(&whole[..length]);
        assert!(Encoder::open(folder.path()).is_err(), "{length} bytes");
    }
}
