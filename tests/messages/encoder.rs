//! Encoders that cannot be used.

use std::fs;
use std::path::Path;

use super::Page;

/// A split that the made-up pairs are enough for.
const SETTINGS: [(&str, &str); 1] = [("split", "pairs")];
const WEIGHTS: &str = "model.safetensors";
const CONFIG: &str = "config.json";

#[test]
fn folders_that_are_no_encoder() {
    let mut page = Page::default();
    let mut spoiled = |case: &str, spoil: &dyn Fn(&Path)| {
        page.spoiled(case, &SETTINGS, |root| spoil(&root.own_encoder()));
    };
    spoiled("without weights", &|folder| fs::remove_file(folder.join(WEIGHTS)).unwrap());
    spoiled("without config", &|folder| fs::remove_file(folder.join(CONFIG)).unwrap());
    spoiled("half of a `.pt` file", &|folder| {
        let whole =
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fair_esm_random/esm2_tiny.pt");
        let bytes = fs::read(whole).unwrap();
        fs::remove_file(folder.join(CONFIG)).unwrap();
        fs::write(folder.join("esm2.pt"), &bytes[..bytes.len() / 2]).unwrap();
    });
    spoiled("empty weights", &|folder| fs::write(folder.join(WEIGHTS), "").unwrap());
    spoiled("truncated weights", &|folder| {
        let bytes = fs::read(folder.join(WEIGHTS)).unwrap();
        fs::write(folder.join(WEIGHTS), &bytes[..bytes.len() / 2]).unwrap();
    });
    spoiled("weights of another architecture", &|folder| {
        let random = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/esm2_random");
        fs::copy(Path::new(random).join(WEIGHTS), folder.join(WEIGHTS)).unwrap();
    });
    spoiled("a model that is no ESM", &|folder| {
        fs::write(folder.join(CONFIG), r#"{"model_type": "bert"}"#).unwrap();
    });
    spoiled("another alphabet", &|folder| fs::write(folder.join("vocab.txt"), "A C G T").unwrap());
    insta::assert_snapshot!(page.0, @"
    without weights
      exit 2: UserError: no `model.safetensors` or `model.safetensors.index.json` in `FOLDER/input/data/encoder`; give the folder of an ESM-2 model as Hugging Face publishes it
    without config
      exit 2: UserError: no `config.json` in `FOLDER/input/data/encoder`; give the folder of an ESM-2 model as Hugging Face publishes it, with `config.json` and `model.safetensors`, or one `.pt` file of fair-esm
    half of a `.pt` file
      exit 2: UserError: `FOLDER/input/data/encoder/esm2.pt` is damaged or incomplete (the directory at its end is missing); fetch it again
    empty weights
      exit 2: UserError: `FOLDER/input/data/encoder/model.safetensors` is damaged or incomplete (header too small); fetch it again
    truncated weights
      exit 2: UserError: `FOLDER/input/data/encoder/model.safetensors` is damaged or incomplete (incomplete metadata, file not fully covered); fetch it again
    weights of another architecture
      exit 2: UserError: the weights in `FOLDER/input/data/encoder` are not those that its `config.json` describes; take both from the same ESM-2 model: 48 missing: `encoder.layer.3.attention.self.query.weight`, `encoder.layer.3.attention.self.query.bias`, ...; 51 mis-shaped: `embeddings.word_embeddings.weight: F32 [33, 32], expected [33, 64]`, `encoder.layer.0.attention.self.query.weight: F32 [32, 32], expected [64, 64]`, ...
    a model that is no ESM
      exit 2: UserError: `FOLDER/input/data/encoder/config.json` does not describe an ESM-2 model: `model_type` is not `esm`; give the folder of one as Hugging Face publishes it
    another alphabet
      exit 2: UserError: `FOLDER/input/data/encoder/vocab.txt` does not describe an ESM-2 model: its tokens are not the 33 of ESM-2; give the folder of one as Hugging Face publishes it
    ");
}
