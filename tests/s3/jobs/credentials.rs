//! F6: credentials that expire, from an endpoint as containers have it; and none at all.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::Place;
use crate::crash::{matrix, usable};
use crate::rounds;
use crate::support::job::Running;
use crate::support::kill::{assert_equal, uninterrupted};
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::support::s3::{Kind, Server};
use crate::support::{dyad, dyad_under, shown, text};

/// The SDK asks for new credentials 10 seconds before the old ones expire.
const LIFETIME: Duration = Duration::from_secs(12);

#[test]
fn f6_a_job_outlives_its_credentials() {
    let test = "f6_a_job_outlives_its_credentials";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-f6");
    let proxy = Proxy::to(&server.endpoint());
    let settings = [("epochs", "60"), ("seal_seconds", "0"), ("checkpoint_seconds", "1")];
    let job = place.job_at(&proxy.endpoint(), &settings);
    let (reference, _) = uninterrupted(&job);
    place.empty("");

    let issuer = Issuer::start();
    let seen = proxy.log().len();
    let mut run = Running::start(&mut issuer.serve(job.inside(dyad())));
    assert!(run.says("embeddings in `s3://"));
    // Revoked before its time, and an issuer that stumbles when asked for the next.
    proxy.times(3, Match::puts(), Fault::ExpiredToken);
    issuer.refuse(2);
    let output = run.wait();
    assert!(output.status.success(), "{}", shown(&output));
    assert_equal(&job.model_files(), &reference);
    let refused = proxy.log()[seen..].iter().filter(|seen| seen.fault.is_some()).count();
    let rotations = issuer.issued();
    assert!(refused == 3 && rotations >= 2, "{refused} refused, {rotations} rotations");
    let log = text(&output.stderr);
    assert!(!log.contains("are not in `s3://"), "{log}");
    matrix(
        "F6",
        &format!("1 job, {rotations} credentials of {} s, 3 ExpiredToken", LIFETIME.as_secs()),
        "no upload lost, same model",
    );
}

#[test]
fn f6_credentials_that_stay_expired_are_named_and_the_job_goes_on() {
    let test = "f6_credentials_that_stay_expired_are_named_and_the_job_goes_on";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-f6-expired");
    let proxy = Proxy::to(&server.endpoint());
    let job = place.job_at(&proxy.endpoint(), &[("epochs", "5"), ("seal_seconds", "0")]);
    let (reference, _) = uninterrupted(&job);
    place.empty("");

    // While embeddings are computed it first tries for a minute to agree with others on the pin.
    let when = if rounds(0, 1) == 0 { "[metric] epoch=1" } else { "unit=" };
    let mut run = Running::start(job.inside(dyad()).env("DYAD_LOG", "dyad=debug"));
    assert!(run.says(when));
    proxy.always(Match::any(), Fault::ExpiredToken);
    let expired = Instant::now();
    assert!(run.says("ExpiredToken"), "{}", run.log());
    let named = expired.elapsed();
    assert!(named < Duration::from_mins(1), "{named:?}");
    assert!(run.says("[metric] epoch=5"), "{}", run.log());
    while !job.path("model/manifest.json").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // It waits for S3 now, for ten minutes.
    run.signal("KILL");
    run.wait();
    assert_equal(&job.model_files(), &reference);
    let named = format!("named after {:.1} s, same model from the disk", named.as_secs_f64());
    matrix("F6 expired", "1 job whose credentials expire for good mid-run", &named);
    if rounds(0, 1) == 1 {
        job.wipe_everything();
        let started = Instant::now();
        let log = job.complete();
        assert!(log.contains("ExpiredToken"), "{log}");
        assert_equal(&job.model_files(), &reference);
        let seconds = started.elapsed().as_secs();
        assert!(
            seconds < 400,
            "the ten minutes of a server that once answered: {seconds} s: {log}"
        );
        let result = format!("exit 0 after {seconds} s, same model from the disk");
        matrix("F6 expired", "1 job whose credentials have expired before", &result);
    }
    proxy.heal();
    let log = job.complete();
    assert!(log.contains("file(s) uploaded") && !log.contains("are not in `s3://"), "{log}");
    assert!(!place.keys("/shards/").is_empty());
}

#[test]
fn f10_without_credentials_or_network_a_job_works_from_its_disk() {
    let test = "f10_without_credentials_or_network_a_job_works_from_its_disk";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-f10-none");
    let job = place.job(&[("epochs", "2")]);
    let (reference, _) = uninterrupted(&job);
    let before = place.keys("");
    let without = |mut command: Command| {
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command
    };
    let mut alone = vec![("no credentials", without(job.inside(dyad())))];
    if usable(test, "unshare", &["--net", "true"]) {
        // Also without the metadata service, which is asked for then.
        let mut command = without(job.inside(dyad_under("unshare", &["--net"])));
        command.env_remove("AWS_EC2_METADATA_DISABLED").env_remove("AWS_REGION");
        alone.push(("no network", command));
    }
    for (name, mut command) in alone {
        let started = Instant::now();
        let output = command.output().unwrap();
        let log = shown(&output);
        assert!(output.status.success(), "{name}: {log}");
        assert_equal(&job.model_files(), &reference);
        let said: Vec<_> = log.lines().filter(|line| line.contains("working without S3")).collect();
        assert!(said.len() == 1 && said[0].contains("other jobs"), "{name}: {log}");
        assert!(started.elapsed() < Duration::from_mins(1), "{name}: {:?}", started.elapsed());
        assert!(job.path("checkpoints/cache").exists(), "{name}: attempts share nothing");
        job.wipe_everything();
    }
    assert_eq!(place.keys(""), before);
    matrix(
        "F10 alone",
        "a job without credentials, and one without network",
        "one line, same model",
    );
}

/// Gives out credentials that soon expire, as the agent of a container does.
struct Issuer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _runtime: Runtime,
}

#[derive(Default)]
struct State {
    issued: usize,
    /// Answers to give in place of credentials.
    refusals: VecDeque<u16>,
}

impl Issuer {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                let answer = service_fn(move |_: Request<Incoming>| {
                    let reply = shared.lock().unwrap().reply();
                    async { Ok::<_, Infallible>(reply) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { address, state, _runtime: runtime }
    }

    /// Lets a command take its credentials from here.
    fn serve(&self, mut command: Command) -> Command {
        let uri = format!("http://{}/credentials", self.address);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
        command
    }

    /// Fails the next `count` requests.
    fn refuse(&self, count: usize) {
        self.state.lock().unwrap().refusals.extend(vec![500; count]);
    }

    fn issued(&self) -> usize {
        self.state.lock().unwrap().issued
    }
}

impl State {
    fn reply(&mut self) -> Response<String> {
        if let Some(status) = self.refusals.pop_front() {
            return Response::builder().status(status).body(String::new()).unwrap();
        }
        self.issued += 1;
        let number = self.issued;
        let expires = DateTime::from(SystemTime::now() + LIFETIME).fmt(Format::DateTime).unwrap();
        let body = format!(
            r#"{{"AccessKeyId": "rotating{number}", "SecretAccessKey": "secret{number}",
                "Token": "token{number}", "Expiration": "{expires}"}}"#
        );
        Response::builder().header("content-type", "application/json").body(body).unwrap()
    }
}
