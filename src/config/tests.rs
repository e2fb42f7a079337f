use super::*;
use crate::dataset::SplitRule;
use crate::interactions::SelfPairs;

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

fn hyperparameters<const N: usize>(values: [(&str, &str); N]) -> Sources {
    Sources { hyperparameters: pairs(values).into_iter().collect(), ..Sources::default() }
}

fn config_file(name: &str, text: &str) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    crate::storage::write_atomic(&path, text.as_bytes()).unwrap();
    (folder, Sources { file: Some(path), ..Sources::default() })
}

fn message(sources: &Sources) -> String {
    let text = resolve(sources).unwrap_err().to_string();
    match &sources.file {
        Some(path) => text.replace(&path.parent().unwrap().display().to_string(), "FOLDER"),
        None => text,
    }
}

#[test]
fn defaults_are_those_documented_and_in_the_order_of_the_table() {
    let resolved = resolve(&Sources::default()).unwrap();
    let lines: Vec<_> = resolved.settings.iter().map(Setting::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    encoder = none (default)
    epochs = 10 (default)
    batch_size = 32 (default)
    learning_rate = 0.0001 (default)
    hidden_sizes = 512,256,128 (default)
    dropout = 0.3 (default)
    patience = 0 (default)
    checkpoint_seconds = 30 (default)
    on_bad_checkpoint = fail (default)
    negatives = degree_matched (default)
    negative_ratio = 1 (default)
    split = clusters (default)
    cluster_similarity = 0.15 (default)
    cluster_by = kmers (default)
    cluster_min_seq_id = 0.3 (default)
    cluster_coverage = 0.5 (default)
    test_fraction = 0.2 (default)
    validation_fraction = 0.1 (default)
    max_residues = 1022 (default)
    long_sequences = truncate (default)
    min_publications = 1 (default)
    evidence = any (default)
    min_score = auto (default)
    taxon = any (default)
    expanded_complexes = exclude (default)
    self_pairs = exclude (default)
    label_column = auto (default)
    max_proteins = none (default)
    max_pairs = none (default)
    max_dropped_fraction = 0.1 (default)
    missing_sequences = drop (default)
    uniprot_url = https://rest.uniprot.org (default)
    uniprot_parallel = 3 (default)
    fetch_seconds = 1800 (default)
    offline = false (default)
    interactions = files (default)
    hint_url = https://hint.yulab.org/download-raw (default)
    hint_release = 2024-06 (default)
    hint_quality = hq (default)
    hint_kind = binary (default)
    seed = 42 (default)
    seeds = 1 (default)
    device = auto (default)
    precision = auto (default)
    embedding_dtype = f32 (default)
    token_budget = auto (default)
    seal_seconds = 30 (default)
    bundle_encoder = false (default)
    strict = false (default)
    expected_ceiling = 1 (default)
    storage_uri = none (default)
    sse_kms_key_id = none (default)
    ");
    assert_eq!(resolved.config.embeddings.token_budget, None);
}

#[test]
fn every_key_is_a_field_of_the_saved_configuration_and_the_reverse() {
    let config = resolve(&Sources::default()).unwrap().config;
    let saved = serde_json::to_value(&config).unwrap();
    let mut names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    names.sort_unstable();
    assert_eq!(saved.as_object().unwrap().keys().collect::<Vec<_>>(), names);
}

#[test]
fn later_layers_win_and_are_remembered() {
    let (_folder, mut sources) = config_file(
        "run.toml",
        "epochs = 1\nbatch_size = 8\npatience = 8\nseed = 8\nhidden_sizes = [4, 2]\nsplit = 'pairs'",
    );
    sources.implied = vec![("split", "given"), ("self_pairs", "include")];
    sources.hyperparameters =
        pairs([("batch_size", "9"), ("patience", "9"), ("seed", "9")]).into_iter().collect();
    sources.environment = pairs([("DYAD_PATIENCE", "10"), ("DYAD_SEED", "10"), ("HOME", "/")]);
    sources.command_line = pairs([("seed", "11")]);
    let Resolved { config, settings } = resolve(&sources).unwrap();
    assert_eq!(config.dataset.split, SplitRule::Pairs);
    assert_eq!(config.classifier.hidden_sizes, [4, 2]);
    let origin = |name| {
        let setting = settings.iter().find(|s| s.key.name == name).unwrap().to_string();
        setting.split_once(" = ").unwrap().1.to_owned()
    };
    assert_eq!(origin("dropout"), "0.3 (default)");
    assert_eq!(origin("self_pairs"), "include (implied by the input)");
    assert!(origin("epochs").starts_with("1 (config file `/"), "{}", origin("epochs"));
    assert_eq!(origin("batch_size"), "9 (hyperparameters.json)");
    assert_eq!(origin("patience"), "10 (environment)");
    assert_eq!(origin("seed"), "11 (command line)");
}

#[test]
fn one_key_reaches_every_stage_it_concerns() {
    let sources = hyperparameters([("seed", "7"), ("self_pairs", "\"include\"")]);
    let config = resolve(&sources).unwrap().config;
    let seeds = [config.seed, config.interactions.seed, config.dataset.seed, config.training.seed];
    assert_eq!(seeds, [7; 4]);
    assert_eq!(config.interactions.self_pairs, SelfPairs::Include);
    assert!(config.dataset.self_negatives);
}

#[test]
fn a_saved_configuration_is_a_config_file() {
    let changed = [("max_pairs", "100"), ("label_column", "y"), ("device", "cuda"), ("seed", "1")];
    let config = resolve(&hyperparameters(changed)).unwrap().config;
    let saved = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<RunConfig>(&saved).unwrap(), config);
    let (_folder, sources) = config_file("config.json", &saved);
    assert_eq!(resolve(&sources).unwrap().config, config);
}

#[test]
fn the_platforms_own_keys_and_reserved_variables_are_no_keys() {
    let mut sources = hyperparameters([
        ("sagemaker_job_name", "\"job-1\""),
        ("_tuning_objective_metric", "validation:auroc"),
    ]);
    let reserved = [("DYAD_LOG", "debug"), ("DYAD_PROGRESS", "none"), ("DYAD_TEST_DATA", "/data")];
    sources.environment = pairs(reserved);
    resolve(&sources).unwrap();
}

#[test]
fn all_problems_of_all_layers_are_reported_at_once() {
    let (_folder, mut sources) = config_file(
        "run.json",
        r#"{"epochs": 2.5, "training": {"epochs": 3}, "hidden_sizes": ["wide"], "seed": null}"#,
    );
    sources.hyperparameters =
        pairs([("epochs", "ten"), ("learning-rate", "1e-3")]).into_iter().collect();
    sources.environment = pairs([("DYAD_EPOCH", "3"), ("DYAD_DEVICE", "gpu")]);
    sources.command_line = pairs([("epochs", "3"), ("split", &"random".repeat(20))]);
    insta::assert_snapshot!(message(&sources), @r#"
    the configuration has 9 problems:
      `epochs` = `2.5` (config file `FOLDER/run.json`): expected an integer from 1 to 10000;
      `hidden_sizes` = `["wide"]` (config file `FOLDER/run.json`): expected 1 to 16 integers from 1 to 65536, separated by commas;
      `seed` = `null` (config file `FOLDER/run.json`): expected an integer from 0 to 9223372036854775807;
      unknown key `training` (config file `FOLDER/run.json`): expected a key of `dyad train --help`, the nearest is `interactions`;
      `epochs` = `ten` (hyperparameters.json): expected an integer from 1 to 10000;
      unknown key `learning-rate` (hyperparameters.json): expected a key of `dyad train --help`, the nearest is `learning_rate`;
      `DYAD_DEVICE` = `gpu` (environment): expected `auto`, `cpu`, `cuda` or `cuda:N`;
      unknown key `DYAD_EPOCH` (environment): expected a key of `dyad train --help`, the nearest is `DYAD_EPOCHS`;
      `--split` = `randomrandomrandomrandomrandomrandomrandomrandomrandomrandomrandomrandomrandomra…` (command line): expected `clusters`, `proteins`, `pairs` or `given`
    "#);
}

#[test]
fn a_single_problem_is_one_line() {
    let texts = [("epochs", "ten"), ("lr", "1e-3")].map(|pair| message(&hyperparameters([pair])));
    insta::assert_snapshot!(texts.join("\n"), @"
    `epochs` = `ten` (hyperparameters.json): expected an integer from 1 to 10000
    unknown key `lr` (hyperparameters.json): expected a key of `dyad train --help`, the nearest is `learning_rate`
    ");
}

#[test]
fn fractions_leave_something_to_train_on() {
    let mut sources = hyperparameters([("test_fraction", "0.6")]);
    sources.environment = pairs([("DYAD_VALIDATION_FRACTION", "0.4")]);
    // The default 0.1 in the place of the refused `x` says nothing about the user's.
    let refused = hyperparameters([("test_fraction", "0.95"), ("validation_fraction", "x")]);
    insta::assert_snapshot!([message(&sources), message(&refused)].join("\n"), @"
    `test_fraction` = `0.6` (hyperparameters.json) and `validation_fraction` = `0.4` (environment): expected a sum below 1, to leave pairs for training
    `validation_fraction` = `x` (hyperparameters.json): expected a number, above 0 and below 1
    ");
    sources.command_line = pairs([("split", "given")]);
    resolve(&sources).unwrap();
}

#[test]
fn broken_config_files_are_named_with_line_and_column() {
    let texts = [
        ("a.toml", "epochs = 3\nsplit = proteins\n"),
        ("a.json", "{\"epochs\": 3,\n}"),
        ("a.json", "[1]"),
        ("a.yaml", "epochs: 3"),
    ]
    .map(|(name, text)| message(&config_file(name, text).1));
    insta::assert_snapshot!(texts.join("\n"), @r#"
    config file `FOLDER/a.toml` is not valid TOML: invalid string, expected `"`, `'` at line 2 column 9
    config file `FOLDER/a.json` is not valid JSON: trailing comma at line 2 column 1
    config file `FOLDER/a.json` is not valid JSON: invalid type: sequence, expected a map at line 1 column 0
    config file `FOLDER/a.yaml` must end in `.toml` or `.json`
    "#);
}

#[test]
fn a_key_that_a_file_sets_twice_is_refused() {
    let (_folder, sources) = config_file("a.json", "{\"seed\": 1,\n \"seed\": 0}");
    let expected = "config file `FOLDER/a.json` is not valid JSON: the key `seed` comes twice at \
                    line 2 column 7";
    assert_eq!(message(&sources), expected);
    let (_folder, sources) = config_file("a.toml", "seed = 1\nseed = 0\n");
    assert!(message(&sources).contains("duplicate key"), "{}", message(&sources));
}

#[test]
fn a_config_file_that_is_not_there_is_an_error() {
    let (folder, sources) = config_file("a.toml", "");
    folder.close().unwrap();
    insta::assert_snapshot!(message(&sources), @"cannot read `FOLDER/a.toml`: no such file or directory: give `--config` a file that can be read");
}

#[test]
fn nearest_names_are_what_was_meant() {
    for (written, meant) in [
        ("epoch", "epochs"),
        ("lr", "learning_rate"),
        ("batchsize", "batch_size"),
        ("Hidden-Sizes", "hidden_sizes"),
        ("val_fraction", "validation_fraction"),
        ("max_protein", "max_proteins"),
        ("drop_out", "dropout"),
    ] {
        assert_eq!(Key::nearest(written).unwrap().name, meant);
    }
}
