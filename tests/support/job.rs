//! A job below a SageMaker root, laid out as the platform does it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use super::s3::{self, Keys};
use super::uniprot::StandIn;
use super::{dyad, shown, small_encoder};

/// A root in a temporary folder and the job in it.
pub(crate) struct Job {
    root: TempDir,
    /// Endpoint and keys.
    s3: Option<(String, Keys)>,
}

impl Job {
    /// A root with the given channels (a file or folder each) and the small encoder.
    pub(crate) fn new(channels: &[(&str, &Path)], hyperparameters: &[(&str, &str)]) -> Self {
        let root = Self { root: tempfile::tempdir().unwrap(), s3: None };
        let encoder = small_encoder();
        let channels = channels.iter().copied().chain([("encoder", encoder.as_path())]);
        let mut declared = BTreeMap::new();
        for (channel, source) in channels {
            let folder = root.path("input/data").join(channel);
            fs::create_dir_all(&folder).unwrap();
            let files: Vec<PathBuf> = match source.is_dir() {
                true => fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()).collect(),
                false => vec![source.to_owned()],
            };
            for file in files {
                fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
            }
            declared.insert(channel.to_owned(), BTreeMap::from([("TrainingInputMode", "File")]));
        }
        let values: BTreeMap<_, _> = hyperparameters.iter().copied().collect();
        let config = root.path("input/config");
        fs::create_dir_all(&config).unwrap();
        let write = |name: &str, text: String| fs::write(config.join(name), text).unwrap();
        write("inputdataconfig.json", serde_json::to_string(&declared).unwrap());
        write("hyperparameters.json", serde_json::to_string(&values).unwrap());
        root
    }

    /// The same job with S3 at `endpoint`, a server or a proxy; where in it, `storage_uri` says.
    pub(crate) fn connected(mut self, endpoint: &str, keys: &Keys) -> Self {
        self.s3 = Some((endpoint.to_owned(), keys.clone()));
        self
    }

    /// A job whose channel is the encoder alone: everything else comes from `server`.
    pub(crate) fn fetching(server: &StandIn, settings: &[(&str, &str)]) -> Self {
        let (uniprot, hint) = (server.url(""), server.url("/download-raw"));
        let fetched = [
            ("interactions", "hint:HomoSapiens"),
            ("uniprot_url", uniprot.as_str()),
            ("hint_url", hint.as_str()),
            ("split", "pairs"),
            ("epochs", "1"),
            ("hidden_sizes", "8"),
        ];
        Self::new(&[], &[&fetched, settings].concat())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// Starts the container's command: no argument.
    pub(crate) fn start(&self) -> Child {
        self.inside(dyad()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// A command that finds this root.
    pub(crate) fn inside(&self, mut command: Command) -> Command {
        command.env("SAGEMAKER_BASE_DIR", self.root.path());
        if let Some((endpoint, keys)) = &self.s3 {
            s3::connect(&mut command, endpoint, keys);
        }
        command
    }

    /// Runs a job to its end.
    pub(crate) fn run(&self) -> Output {
        self.start().wait_with_output().unwrap()
    }

    /// Runs a job that must succeed.
    pub(crate) fn complete(&self) -> String {
        let output = self.run();
        assert!(output.status.success(), "{}", shown(&output));
        assert!(!self.path("output/failure").exists());
        shown(&output)
    }

    /// Runs a job and sends `signal` after `delay`; the output, and whether the signal ended it.
    pub(crate) fn run_with_signal(&self, delay: Duration, signal: &str) -> (Output, bool) {
        let started = Instant::now();
        let mut job = self.start();
        while started.elapsed() < delay && job.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let number = job.id().to_string();
        let _ = Command::new("kill").args(["-s", signal, &number]).output();
        let output = job.wait_with_output().unwrap();
        let killed = output.status.signal().is_some();
        (output, killed)
    }

    /// What a new instance finds: checkpoints restored, everything else gone.
    pub(crate) fn wipe_instance(&self) {
        self.remove(&["model", "output", "scratch"]);
    }

    /// What the first attempt of a job finds, or any without a checkpoint location.
    pub(crate) fn wipe_everything(&self) {
        self.remove(&["model", "output", "scratch", "checkpoints"]);
    }

    fn remove(&self, folders: &[&str]) {
        folders.iter().for_each(|folder| drop(fs::remove_dir_all(self.path(folder))));
    }

    /// Every file of the model directory with its bytes.
    pub(crate) fn model_files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.path("model")).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.is_file())
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let bytes = fs::read(&path).unwrap();
                (name, bytes)
            })
            .collect()
    }

    /// A JSON file of the model directory.
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path("model").join(name)).unwrap()).unwrap()
    }

    /// What the platform shows as the reason of a failure.
    pub(crate) fn failure(&self) -> String {
        fs::read_to_string(self.path("output/failure")).unwrap()
    }

    /// The rows of the audit of `interactions` by bucket.
    pub(crate) fn audit(&self) -> BTreeMap<String, u64> {
        let audit = self.json("audit.json")["interactions"].clone();
        let buckets = audit["buckets"].as_array().unwrap().clone();
        let mut rows: BTreeMap<_, _> = buckets
            .iter()
            .map(|bucket| {
                let name = bucket["bucket"].as_str().unwrap().to_owned();
                (name, bucket["rows"].as_u64().unwrap())
            })
            .filter(|(_, rows)| *rows > 0)
            .collect();
        rows.insert("total".to_owned(), audit["rows"].as_u64().unwrap());
        rows
    }
}

/// A command at work whose log can be read meanwhile.
pub(crate) struct Running {
    child: Child,
    log: NamedTempFile,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let log = NamedTempFile::new().unwrap();
        let errors = log.reopen().unwrap();
        Self { child: command.stdout(Stdio::null()).stderr(errors).spawn().unwrap(), log }
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    /// Waits until it has said `text`; false if it ended without.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + Duration::from_mins(3);
        loop {
            let ended = self.child.try_wait().unwrap().is_some();
            if self.log().contains(text) {
                return true;
            }
            if ended {
                return false;
            }
            assert!(Instant::now() < deadline, "it does not say `{text}`: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal, which an ended process does not mind.
    pub(crate) fn signal(&self, signal: &str) {
        let _ = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).output();
    }

    /// Waits for its end; its log is its standard error.
    pub(crate) fn wait(mut self) -> Output {
        let status = self.child.wait().unwrap();
        Output { status, stdout: Vec::new(), stderr: self.log().into_bytes() }
    }
}
