use std::path::Path;

use super::*;

/// A root with these files; folders of channels come with their files.
fn root<const N: usize>(files: [(&str, &str); N]) -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        storage::create_folder(path.parent().unwrap()).unwrap();
        storage::write_atomic(&path, text.as_bytes()).unwrap();
    }
    let root = Root::new(folder.path());
    (folder, root)
}

fn message<T: std::fmt::Debug>(result: Result<T, ContainerError>, folder: &Path) -> String {
    result.unwrap_err().to_string().replace(&folder.display().to_string(), "ROOT")
}

const INPUT: &str = "input/config/inputdataconfig.json";
const RESOURCES: &str = "input/config/resourceconfig.json";
const HYPERPARAMETERS: &str = "input/config/hyperparameters.json";
const CHECKPOINTS: &str = "input/config/checkpointconfig.json";

#[test]
fn the_full_shape_of_the_platform_is_read() {
    let (folder, root) = root([
        (HYPERPARAMETERS, r#"{"epochs": "3", "sagemaker_region": "\"eu-west-1\""}"#),
        (
            INPUT,
            r#"{"train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated",
                          "RecordWrapperType": "None", "ContentType": "text/plain"},
                "sequences": {"TrainingInputMode": "FastFile"},
                "model": {"TrainingInputMode": "File"},
                "test": {"TrainingInputMode": "File"},
                "notes": {"TrainingInputMode": "Pipe"}}"#,
        ),
        (
            RESOURCES,
            r#"{"current_host": "algo-1", "current_instance_type": "ml.g4dn.xlarge",
                "current_group_name": "homogeneousCluster", "hosts": ["algo-1"],
                "instance_groups": [{"instance_group_name": "homogeneousCluster",
                "instance_type": "ml.g4dn.xlarge", "hosts": ["algo-1"]}],
                "network_interface_name": "eth0", "topology": null}"#,
        ),
        (CHECKPOINTS, r#"{"LocalPath": "/opt/ml/kept", "S3Uri": "s3://bucket/prefix/"}"#),
        ("input/data/train/hint.txt", ""),
        ("input/data/train-manifest", "{}"),
    ]);
    let root_path = folder.path();
    assert!(root.exists());
    assert_eq!(root.hyperparameters().unwrap()["sagemaker_region"], "\"eu-west-1\"");
    let data = root_path.join("input/data");
    let expected = Channels {
        interactions: Some(data.join("train")),
        sequences: Some(data.join("sequences")),
        encoder: Some(data.join("model")),
        validation: None,
        test: Some(data.join("test")),
        known_interactions: None,
        clusters: None,
        declared: ["model", "notes", "sequences", "test", "train"].map(str::to_owned).to_vec(),
    };
    assert_eq!(root.channels().unwrap(), expected);
    let cluster = root.cluster().unwrap();
    assert_eq!(cluster.hosts, ["algo-1"]);
    assert_eq!(cluster.instance_type.as_deref(), Some("ml.g4dn.xlarge"));
    assert_eq!(root.checkpoints().unwrap(), root_path.join("kept"));
    assert_eq!(root.failure(), root_path.join("output/failure"));
}

#[test]
fn the_sparse_shapes_of_local_mode_are_read() {
    let (folder, root) = root([
        (HYPERPARAMETERS, "{}"),
        (
            INPUT,
            r#"{"interactions": {"TrainingInputMode": "File"}, "sequences": {}, "encoder": {}}"#,
        ),
        (
            RESOURCES,
            r#"{"current_host": "algo-1-x7k2p", "hosts": ["algo-1-x7k2p"],
                "network_interface_name": "eth0", "current_instance_type": "local"}"#,
        ),
    ]);
    assert!(root.hyperparameters().unwrap().is_empty());
    let channels = root.channels().unwrap();
    assert!(channels.interactions.unwrap().ends_with("input/data/interactions"));
    assert_eq!((channels.validation, channels.test), (None, None));
    assert_eq!(root.cluster().unwrap().current_host.as_deref(), Some("algo-1-x7k2p"));
    assert_eq!(root.checkpoints().unwrap(), folder.path().join("checkpoints"));
}

#[test]
fn a_root_made_by_hand_needs_no_config_files() {
    let (folder, root) = root([
        ("input/data/training/hint.txt", ""),
        ("input/data/training-manifest", "{}"),
        ("input/data/sequences/a.fasta", ""),
        ("input/data/encoder/config.json", ""),
        ("input/data/.cache/x", ""),
    ]);
    assert!(root.hyperparameters().unwrap().is_empty());
    let channels = root.channels().unwrap();
    assert_eq!(channels.interactions, Some(folder.path().join("input/data/training")));
    assert_eq!(root.cluster().unwrap(), Cluster::default());
}

#[test]
fn an_empty_folder_is_no_root() {
    let (_folder, root) = root([]);
    assert!(!root.exists());
}

#[test]
fn hyperparameters_of_other_json_types_become_texts() {
    let text = r#"{"epochs": 3, "learning_rate": 1e-4, "bundle_encoder": true,
                   "max_pairs": null, "hidden_sizes": [512, 256]}"#;
    let (_folder, root) = root([(HYPERPARAMETERS, text)]);
    let values: Vec<_> = root.hyperparameters().unwrap().into_values().collect();
    assert_eq!(values, ["true", "3", "[512,256]", "0.0001", "null"]);
}

#[test]
fn invalid_files_are_named_with_line_and_column() {
    let (folder, root) = root([
        (HYPERPARAMETERS, "{\n  \"epochs\": 3,\n}"),
        (INPUT, "[]"),
        (RESOURCES, ""),
        (CHECKPOINTS, r#"{"LocalPath": 3}"#),
    ]);
    let texts = [
        message(root.hyperparameters(), folder.path()),
        message(root.channels(), folder.path()),
        message(root.cluster(), folder.path()),
        message(root.checkpoints(), folder.path()),
    ];
    insta::assert_snapshot!(texts.join("\n"), @"
    `ROOT/input/config/hyperparameters.json` is not valid: trailing comma at line 3 column 1; correct it, or remove it to run with defaults
    `ROOT/input/config/inputdataconfig.json` is not valid: invalid type: sequence, expected a map at line 1 column 0; correct it, or remove it to run with defaults
    `ROOT/input/config/resourceconfig.json` is not valid: EOF while parsing a value at line 1 column 0; correct it, or remove it to run with defaults
    `ROOT/input/config/checkpointconfig.json` is not valid: invalid type: integer `3`, expected path string at line 1 column 15; correct it, or remove it to run with defaults
    ");
}

#[test]
fn keys_that_come_twice_are_refused() {
    let (folder, root) = root([
        (HYPERPARAMETERS, "{\"epochs\": \"3\", \"seed\": \"1\", \"epochs\": \"5\"}"),
        (INPUT, r#"{"train": {}, "train": {"TrainingInputMode": "Pipe"}}"#),
    ]);
    let texts =
        [message(root.hyperparameters(), folder.path()), message(root.channels(), folder.path())];
    insta::assert_snapshot!(texts.join("\n"), @"
    `ROOT/input/config/hyperparameters.json` is not valid: the key `epochs` comes twice at line 1 column 37; correct it, or remove it to run with defaults
    `ROOT/input/config/inputdataconfig.json` is not valid: the key `train` comes twice at line 1 column 21; correct it, or remove it to run with defaults
    ");
}

#[test]
fn checkpoints_lie_where_the_platform_says() {
    for (local_path, expected) in [
        (r#"{"LocalPath": "/opt/ml/checkpoints/"}"#, "ROOT/checkpoints"),
        (r#"{"LocalPath": "/mnt/kept"}"#, "/mnt/kept"),
        (r#"{"S3Uri": "s3://bucket/prefix/"}"#, "ROOT/checkpoints"),
    ] {
        let (folder, root) = root([(CHECKPOINTS, local_path)]);
        let expected = expected.replace("ROOT", &folder.path().display().to_string());
        assert_eq!(root.checkpoints().unwrap(), Path::new(&expected), "{local_path}");
    }
}

#[test]
fn channels_that_cannot_be_used_are_explained() {
    let config = |text: &str| {
        // A folder that the file does not declare is no channel.
        let (folder, root) = root([(INPUT, text), ("input/data/sequences/a.fasta", "")]);
        let required = root.channels().and_then(|channels| channels.require(|_| false));
        message(required, folder.path())
    };
    let texts = [
        config(r#"{"train": {}, "seqs": {}}"#),
        config("{}"),
        config(r#"{"train": {}, "interactions": {}, "sequences": {}, "encoder": {}}"#),
        config(r#"{"train": {}, "sequences": {"TrainingInputMode": "Pipe"}, "encoder": {}}"#),
    ];
    insta::assert_snapshot!(texts.join("\n"), @"
    missing input channels: `sequences`, `encoder`; the job has `seqs`, `train`; Dyad reads the channels `interactions` (or `train`, `training`, the hyperparameter `interactions`), `encoder` (or `model`, the hyperparameter `encoder`) and, if you like, `sequences`, `validation`, `test`, `known_interactions`, `clusters`
    missing input channels: `interactions`, `encoder`; the job has none; Dyad reads the channels `interactions` (or `train`, `training`, the hyperparameter `interactions`), `encoder` (or `model`, the hyperparameter `encoder`) and, if you like, `sequences`, `validation`, `test`, `known_interactions`, `clusters`
    the channels `interactions`, `train` mean the same: remove all but one
    channel `sequences` has input mode `Pipe`: set its input mode to `File` or `FastFile`
    ");
}

#[test]
fn a_key_stands_for_its_channel_and_for_no_other() {
    let (folder, root) = root([(INPUT, r#"{"encoder": {}}"#)]);
    let channels = root.channels().unwrap();
    assert_eq!((&channels.interactions, &channels.sequences), (&None, &None));
    channels.require(|key| key == "interactions").unwrap();
    let text = message(channels.require(|key| key != "interactions"), folder.path());
    assert!(text.starts_with("missing input channels: `interactions`; the job has `encoder`;"));
}

#[test]
fn more_than_one_host_is_refused_however_they_are_listed() {
    for text in [
        r#"{"hosts": ["algo-2", "algo-1"]}"#,
        r#"{"instance_groups": [{"hosts": ["algo-2"]}, {"hosts": ["algo-1"]}]}"#,
    ] {
        let (folder, root) = root([(RESOURCES, text)]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(message(root.cluster(), folder.path()), @"the job has 2 hosts and each would train the same model over the other's checkpoints: set the instance count to 1");
        }
    }
}

#[test]
fn the_probe_makes_folders_and_names_the_one_that_cannot_be_written() {
    let (folder, root) = root([]);
    root.probe().unwrap();
    for name in ["model", "output/data", "checkpoints"] {
        let left: Vec<_> = std::fs::read_dir(folder.path().join(name)).unwrap().collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
    // A file in the folder's place is unwritable for root, too.
    let (folder, root) = self::root([("model", "")]);
    insta::assert_snapshot!(message(root.probe(), folder.path()), @"cannot write to the folder `ROOT/model`, which the job needs: file exists");
}
