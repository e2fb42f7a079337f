//! S3 for tests: real servers as child processes, a bucket to look into, and a proxy that fails on
//! purpose.
//!
//! ```ignore
//! let Some(server) = Server::start("s3::outages::a_restart", Kind::Ministack) else { return };
//! let bucket = server.bucket("dyad");                        // made if it is not there
//! let proxy = Proxy::to(&server.endpoint());
//! proxy.times(3, Match::puts().ending(".safetensors"), Fault::SlowDown);
//!
//! let mut command = support::dyad();
//! s3::connect(&mut command, &proxy.endpoint(), &Keys::root());
//! command.args(["embed", "--storage-uri", &bucket.uri("prefix/")]);
//! support::succeed(&mut command);
//!
//! assert_eq!(bucket.list("prefix/cache/").len(), 1);
//! assert_eq!(proxy.count(&Match::puts().ending(".safetensors")), 4);
//! ```

mod bucket;
pub(crate) mod proxy;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) use bucket::{Bucket, Object};

use super::text;

/// How long a server may take until it answers; some seconds are normal.
const START: Duration = Duration::from_mins(1);

/// Becomes the command that follows the first argument. A guard in a process group of its own kills
/// the group of the command when standard input ends, which it does at the latest when the test
/// ends, however it does; who is gone then cannot remove the folder, the first argument.
const GUARDED: &str = r#"
    set -m
    exec 3<&0
    { cat <&3; kill -KILL -- "-$$"; sleep 1; kill -0 "$PPID" || rm -rf -- "$1"; } >/dev/null 2>&1 &
    shift
    exec "$@" 3<&- </dev/null
"#;

/// The servers that `tests/s3-servers.sh` knows, and what each is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The strictest on requests. Forgets everything when killed; checks no signatures.
    LocalStack,
    /// Keeps objects over [`Server::kill`], but not open multipart uploads. Checks no signatures.
    Ministack,
    /// The same with signatures and IAM policies enforced; see [`Server::user`].
    MinistackIam,
    /// Checks signatures and clocks. Its conditional writes race and rejected ones leave objects.
    S3sFs,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::LocalStack => "localstack",
            Self::Ministack => "ministack",
            Self::MinistackIam => "ministack-iam",
            Self::S3sFs => "s3s-fs",
        }
    }
}

/// A key pair that a server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Keys {
    /// The pair that may do everything on every server.
    pub(crate) fn root() -> Self {
        Self { id: "test".to_owned(), secret: "test".to_owned() }
    }
}

/// Lets a command talk to `endpoint`, a server or a proxy, and to nothing else of AWS.
pub(crate) fn connect(command: &mut Command, endpoint: &str, keys: &Keys) {
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", &keys.id)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
}

/// A server on a free port of 127.0.0.1 with its data in a temporary folder. It ends with the value,
/// and at the latest with the process of the test, however that ends.
pub(crate) struct Server {
    kind: Kind,
    port: u16,
    folder: TempDir,
    process: Option<(Child, ChildStdin)>,
}

impl Server {
    /// Starts a server of the test's own and waits until it answers, some seconds for
    /// [`Kind::LocalStack`]. `None` where it is not installed; that `test` is skipped is printed.
    pub(crate) fn start(test: &str, kind: Kind) -> Option<Self> {
        is_installed(test, kind).then(|| Self::on_a_free_port(kind))
    }

    /// One server of a kind for all tests that neither kill it nor count what is on it; give each
    /// test a bucket of its own.
    pub(crate) fn shared(test: &str, kind: Kind) -> Option<&'static Self> {
        static SERVERS: [OnceLock<Server>; 4] = [const { OnceLock::new() }; 4];
        let start = || Self::on_a_free_port(kind);
        is_installed(test, kind).then(|| SERVERS[kind as usize].get_or_init(start))
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What goes into `AWS_ENDPOINT_URL`: `http://127.0.0.1:PORT`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The bucket of this name, made if it is not there, seen with all rights.
    pub(crate) fn bucket(&self, name: &str) -> Bucket {
        let bucket = Bucket::at(&self.endpoint(), &Keys::root(), name);
        bucket.make();
        bucket
    }

    /// A new user of [`Kind::MinistackIam`] who may do what the policy, a JSON document, allows.
    pub(crate) fn user(&self, policy: &str) -> Keys {
        assert_eq!(self.kind, Kind::MinistackIam, "the others know no users");
        let file = self.folder.path().join("policy.json");
        fs::write(&file, policy).unwrap();
        let port = self.port.to_string();
        let output = script().args(["user", &port]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{}", super::shown(&output));
        let printed = text(&output.stdout);
        let value = |name: &str| {
            let (_, rest) = printed.split_once(&format!("{name}=")).unwrap();
            rest.split_whitespace().next().unwrap().to_owned()
        };
        Keys { id: value("AWS_ACCESS_KEY_ID"), secret: value("AWS_SECRET_ACCESS_KEY") }
    }

    /// SIGKILL to the server and whatever it started; connections to it are refused from now on.
    pub(crate) fn kill(&mut self) {
        if let Some((mut child, input)) = self.process.take() {
            // To the guard the end of the input is the order.
            drop(input);
            child.wait().unwrap();
        }
    }

    /// Kills the server if it runs, and starts it on the same port and data.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.try_spawn(), "{:?} did not start again", self.kind);
    }

    /// The server's process group.
    pub(crate) fn group(&self) -> u32 {
        self.process.as_ref().unwrap().0.id()
    }

    fn on_a_free_port(kind: Kind) -> Self {
        (0..3).find_map(|_| Self::on_some_port(kind)).unwrap()
    }

    /// `None` where another program took the port between our finding and using it.
    fn on_some_port(kind: Kind) -> Option<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { kind, port, folder, process: None };
        server.try_spawn().then_some(server)
    }

    /// False where the process ended, which is how a port that is taken shows.
    fn try_spawn(&mut self) -> bool {
        let folder = self.folder.path();
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut child = Command::new("bash")
            .args(["-c", GUARDED, "bash"])
            .arg(folder)
            .arg(script_path())
            .args(["run", self.kind.name(), &self.port.to_string()])
            .arg(folder.join("data"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        self.process = Some((child, input));
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> bool {
        let probe = Bucket::at(&self.endpoint(), &Keys::root(), "probe");
        let started = Instant::now();
        loop {
            let late = started.elapsed() > START;
            assert!(!late, "{:?} does not answer after {START:?}:\n{}", self.kind, self.said());
            let (child, _) = self.process.as_mut().unwrap();
            if child.try_wait().unwrap().is_some() {
                eprintln!("{:?} ended at once:\n{}", self.kind, self.said());
                self.kill();
                return false;
            }
            if probe.server_answers() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// What the server printed.
    pub(crate) fn said(&self) -> String {
        text(&fs::read(self.log()).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether there is such a server; where not, why `test` is skipped is printed.
fn is_installed(test: &str, kind: Kind) -> bool {
    let asked = script().args(["installed", kind.name()]).output().unwrap();
    if !asked.status.success() {
        eprintln!("skipped: {test}: {}", text(&asked.stderr).trim());
    }
    asked.status.success()
}

fn script() -> Command {
    let mut command = Command::new("bash");
    command.arg(script_path());
    command
}

fn script_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s3-servers.sh")
}
