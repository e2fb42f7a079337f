//! `embed` writes what it says, once.

use std::fs;
use std::path::Path;
use std::process::Command;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use crate::support::{dyad, shown, small_encoder, succeed};

const FASTA: &str = "\
>sp|P00003|C_TEST
MKVLAAGIVGLLLAQWERTY
>P00001
mkvlaagivglllaqwerty*
>P00002 another
ACDEFGHIKLMNPQRSTVWY
ACDEFG
";

/// `dyad embed` in `folder`, with its store there.
fn embed(folder: &Path) -> Command {
    let mut command = dyad();
    command.current_dir(folder).arg("embed").arg("--encoder").arg(small_encoder());
    command.args(["--sequences", "a.fasta", "--cache", "cache", "--out", "new/a.safetensors"]);
    command
}

#[test]
fn rows_are_those_of_the_fasta_file_and_equal_sequences_have_equal_rows() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.fasta"), FASTA).unwrap();
    let (stdout, log) = succeed(&mut embed(folder.path()));
    assert_eq!(stdout, "");
    assert!(log.contains("embeddings total=2 cached=0 computed=2 missing=0"), "{log}");

    let out = folder.path().join("new/a.safetensors");
    let ids = fs::read_to_string(folder.path().join("new/a.safetensors.ids.txt")).unwrap();
    assert_eq!(ids, "P00003\nP00001\nP00002\n");
    let bytes = fs::read(&out).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.names(), ["embeddings"]);
    let tensor = file.tensor("embeddings").unwrap();
    assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::F32, &[3, 64][..]));
    let values: Vec<f32> =
        tensor.data().as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
    assert_eq!(values[..64], values[64..128], "one sequence under two names");
    assert_ne!(values[..64], values[128..]);
    assert!(values.iter().all(|value| value.is_finite()));

    // Again: nothing is computed, and the same bytes are written.
    let (_, log) = succeed(&mut embed(folder.path()));
    assert!(log.contains("embeddings total=2 cached=2 computed=0 missing=0"), "{log}");
    assert_eq!(fs::read(&out).unwrap(), bytes);

    // One more protein: only that one is computed, and the others keep their bits.
    fs::write(folder.path().join("a.fasta"), format!("{FASTA}>P4\nWYWYWYWY\n")).unwrap();
    let (_, log) = succeed(&mut embed(folder.path()));
    assert!(log.contains("embeddings total=3 cached=2 computed=1 missing=0"), "{log}");
    let more = fs::read(&out).unwrap();
    let more = SafeTensors::deserialize(&more).unwrap();
    assert_eq!(&more.tensor("embeddings").unwrap().data()[..3 * 64 * 4], tensor.data());
}

#[test]
fn long_sequences_are_counted_and_the_limit_is_part_of_the_space() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.fasta"), FASTA).unwrap();
    succeed(&mut embed(folder.path()));
    let (_, log) = succeed(embed(folder.path()).args(["--max-residues", "20"]));
    assert!(log.contains("total=2 cached=0 computed=2 missing=0 long=1"), "{log}");
}

/// R1: what the release 0.1.0 embedded is read and not computed again; a space that this release does not
/// know is refused, and nothing of it is touched.
#[test]
fn a_cache_of_the_first_release_is_read_and_a_foreign_one_left_alone() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let old = fixtures.join("cache_0_1_0");
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let space = cache.join("v1/3376df8c32421be455351b53b3f6de82");
    let mut embed = dyad();
    embed.arg("embed").arg("--encoder").arg(fixtures.join("esm2_random"));
    embed.arg("--sequences").arg(old.join("proteins.fasta")).arg("--cache").arg(&cache);
    embed.arg("--out").arg(folder.path().join("table.safetensors"));
    let copied = Command::new("cp").arg("-r").arg(old.join("cache")).arg(&cache).status();
    assert!(copied.unwrap().success());
    let (_, log) = succeed(&mut embed);
    assert!(log.contains("embeddings total=4 cached=4 computed=0 missing=0"), "{log}");
    // What 0.1.0 wrote as its table; its weights are in the name of the space.
    let table = fs::read(folder.path().join("table.safetensors")).unwrap();
    assert_eq!(table, fs::read(old.join("table.safetensors")).unwrap());

    let text = fs::read_to_string(space.join("space.json")).unwrap();
    let later = text.replacen("\"schema\":1", "\"schema\":2", 1);
    assert_ne!(later, text);
    fs::write(space.join("space.json"), later).unwrap();
    let output = embed.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(shown(&output).contains("describes another embedding space"), "{}", shown(&output));
    for file in fs::read_dir(old.join("cache/v1/3376df8c32421be455351b53b3f6de82/shards")).unwrap()
    {
        let file = file.unwrap();
        assert!(space.join("shards").join(file.file_name()).is_file());
    }
}
