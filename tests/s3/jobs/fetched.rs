//! H5: jobs without pairs and sequences of their own share what was fetched.

use std::time::Duration;

use super::Place;
use crate::s3::stand_ins;
use crate::support::job::Job;
use crate::support::s3::Keys;
use crate::support::uniprot::{Proteome, StandIn};

#[test]
fn h5_what_one_job_fetched_serves_others_whose_servers_are_gone() {
    let test = "h5_what_one_job_fetched_serves_others_whose_servers_are_gone";
    for server in stand_ins(test) {
        let place = Place::new(server, "jobs-fetched");
        let uri = place.uri();
        let stand_in = StandIn::start(Proteome::interacting(40), Duration::ZERO);
        let settings = [("storage_uri", uri.as_str())];
        let job = Job::fetching(&stand_in, &settings).connected(&place.endpoint, &Keys::root());
        job.complete();
        let expected = job.model_files();
        let kept = place.keys("cache/hint/v1/");
        assert_eq!(kept.len(), 2, "the file and its digest: {kept:?}");
        assert_eq!(place.keys("cache/uniprot/v1/").len(), 1);

        let again = Job::fetching(&stand_in, &[&settings[..], &[("offline", "true")]].concat());
        let again = again.connected(&place.endpoint, &Keys::root());
        drop(stand_in);
        again.complete();
        let [one, other] =
            [&expected, &again.model_files()].map(|files| files["split.json"].clone());
        assert_eq!(one, other, "the same pairs and sequences");
        job.wipe_everything();
        job.complete();
        assert_eq!(job.model_files(), expected, "not even without `offline`");
    }
}
