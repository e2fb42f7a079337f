//! The course of a fetch: entries by the thousand, misses in groups, the rest one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tracing::warn;

use super::Job;
use super::answers::{self, Archived, Single};
use super::error::Error;
use super::groups::{BATCH, CLAUSES, any_of, groups};
use super::record::{Outcome, Record};
use crate::http::{Answer, Client, HttpError, Limits, Rejection, Request};
use crate::progress::{Event, Task};
use crate::protein::{Accession, ProteinSequence};

/// A thousand entries in FASTA have about a megabyte, fifty in JSON at most some dozen.
const MAX_ANSWER: u64 = 128 << 20;
/// The most entries of a page of a search.
const PAGE: &str = "500";

type Names = BTreeSet<Accession>;
type Records = BTreeMap<Accession, Record>;

/// Adds to `known` what `UniProt` knows of those of `wanted` that are not there; the number of
/// requests that it took.
pub(super) fn run(job: &Job<'_>, wanted: &Names, known: &mut Records) -> Result<usize, Error> {
    let missing: Names = wanted.iter().filter(|name| !known.contains_key(*name)).cloned().collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let limits = Limits::within(Duration::from_secs(job.settings.seconds));
    let fetcher = Fetcher {
        job,
        client: Client::new(&job.settings.url, limits, job.shutdown)?,
        pool: ThreadPoolBuilder::new().num_threads(job.settings.parallel).build()?,
        wanted,
    };
    let (task, total) = (Task::Fetching, missing.len() as u64);
    job.observer.observe(Event::Started { task, done: 0, total });
    fetcher.resolve(missing, known)?;
    job.observer.observe(Event::Finished { task });
    Ok(fetcher.client.requests())
}

struct Fetcher<'a> {
    job: &'a Job<'a>,
    client: Client,
    /// As many threads as there may be requests at a time.
    pool: ThreadPool,
    wanted: &'a Names,
}

impl Fetcher<'_> {
    fn resolve(&self, missing: Names, known: &mut Records) -> Result<(), Error> {
        let missing = self.entries(missing, known)?;
        // Answers have gaps now and then; and the parents of isoforms that are not there stand in.
        let parents = missing.iter().filter_map(Accession::parent);
        let parents: Names = parents.filter(|parent| !known.contains_key(parent)).collect();
        let missing = self.entries(&missing | &parents, known)?;
        let (isoforms, missing): (Names, Names) =
            missing.into_iter().partition(|name| name.parent().is_some());
        let release = known.values().map(|record| &record.release).max();
        let release = release.cloned().unwrap_or_default();
        let no_isoform = isoforms.into_iter().filter_map(|name| {
            Some((name, Record::new(Outcome::NoIsoform, &release, None)?)) //
        });
        self.settle(no_isoform.collect(), known)?;
        let (missing, unclear) = self.merged(missing, known)?;
        let missing = self.deleted(missing, known)?;
        self.one_by_one(&(&missing | &unclear), known)
    }

    /// Looks for entries of today; what is not there.
    fn entries(&self, asked: Names, known: &mut Records) -> Result<Names, Error> {
        let found = self.in_parallel(&groups(&asked, BATCH), |group| {
            let (release, sequences) = self.batch(group)?;
            let record = |sequence| Record::new(Outcome::Current, &release, Some(sequence));
            let named = group.iter().filter_map(|name| {
                let sequence = sequences.get(name.as_str())?.clone();
                Some(((*name).clone(), record(sequence)?))
            });
            let records: Records = named.collect();
            self.keep(&records)?;
            Ok(records)
        })?;
        known.extend(found.into_iter().flatten());
        Ok(asked.into_iter().filter(|name| !known.contains_key(name)).collect())
    }

    fn batch(
        &self,
        group: &[&Accession],
    ) -> Result<(String, BTreeMap<String, ProteinSequence>), Error> {
        let asked: BTreeSet<&str> = group.iter().map(|name| name.as_str()).collect();
        let accessions = asked.iter().copied().collect::<Vec<_>>().join(",");
        let query = [("accessions", accessions.as_str()), ("format", "fasta")];
        self.get(&["uniprotkb", "accessions"], &query, |answer| answers::fasta(answer, &asked))
    }

    /// Finds the entries that took the place of others; what no entry lists, and what is unclear
    /// because an answer was incomplete.
    fn merged(&self, missing: Names, known: &mut Records) -> Result<(Names, Names), Error> {
        let asked = groups(&missing, CLAUSES);
        let listed = self.in_parallel(&asked, |group| {
            let names: BTreeSet<&Accession> = group.iter().copied().collect();
            self.search("uniprotkb", "sec_acc", group, |a| answers::secondary(a, &names))
        })?;
        let unclear = asked.iter().zip(&listed).filter(|(_, (_, found))| found.is_none());
        let unclear: Names =
            unclear.flat_map(|(group, _)| group.iter().copied().cloned()).collect();
        let mut successors = Vec::new();
        for (release, found) in listed {
            let found = found.unwrap_or_default().into_iter();
            successors.extend(found.map(|(name, into)| (name, release.clone(), into)));
        }
        self.follow(successors, known)?;
        let settled = |name: &Accession| known.contains_key(name) || unclear.contains(name);
        Ok((missing.into_iter().filter(|name| !settled(name)).collect(), unclear))
    }

    /// Settles accessions whose successors are known: of one, the sequence stands for them. One
    /// whose only successor is not there stays unsettled.
    fn follow(
        &self,
        successors: Vec<(Accession, String, Vec<Accession>)>,
        known: &mut Records,
    ) -> Result<(), Error> {
        let single = successors.iter().filter_map(|(.., into)| match into.as_slice() {
            [one] if !known.contains_key(one) => Some(one.clone()),
            _ => None,
        });
        let targets = single.collect();
        self.entries(targets, known)?;
        let mut records = Records::new();
        for (name, release, into) in successors {
            let record = match into.as_slice() {
                [one] => {
                    let sequence = known.get(one).and_then(Record::sequence).cloned();
                    Record::new(Outcome::Merged { into: one.clone() }, &release, sequence)
                }
                _ => Record::new(Outcome::Demerged { into }, &release, None),
            };
            records.extend(record.map(|record| (name, record)));
        }
        self.settle(records, known)
    }

    /// Finds archived sequences of entries that are no more; what the archive does not tell.
    fn deleted(&self, missing: Names, known: &mut Records) -> Result<Names, Error> {
        let found = self.in_parallel(&groups(&missing, CLAUSES), |group| {
            let names: BTreeSet<&Accession> = group.iter().copied().collect();
            let (release, found) =
                self.search("uniparc", "uniprotkb", group, |a| answers::archived(a, &names))?;
            let deleted = found.into_iter().filter_map(|(name, archived)| {
                let Archived { uniparc, sequence } = archived;
                let outcome = Outcome::Deleted { uniparc: Some(uniparc) };
                Some((name, Record::new(outcome, &release, Some(sequence))?))
            });
            let records: Records = deleted.collect();
            self.keep(&records)?;
            Ok(records)
        })?;
        known.extend(found.into_iter().flatten());
        Ok(missing.into_iter().filter(|name| !known.contains_key(name)).collect())
    }

    /// Asks for each accession alone.
    fn one_by_one(&self, missing: &Names, known: &mut Records) -> Result<(), Error> {
        for group in groups(missing, CLAUSES) {
            let told = self.in_parallel(&group, |name| {
                let file = format!("{name}.json");
                let (release, single) = self.get(&["uniprotkb", &file], &[], answers::single)?;
                let archived = match &single {
                    Single::Deleted(Some(uniparc)) => self.archived(uniparc)?,
                    _ => None,
                };
                Ok(((*name).clone(), release, single, archived))
            })?;
            let (mut records, mut successors) = (Records::new(), Vec::new());
            for (name, release, single, archived) in told {
                let (outcome, sequence) = match single {
                    Single::Current(sequence) => (Outcome::Current, Some(sequence)),
                    Single::Deleted(uniparc) => (Outcome::Deleted { uniparc }, archived),
                    Single::NotFound => (Outcome::NotFound, None),
                    Single::Demerged(into) => (Outcome::Demerged { into }, None),
                    Single::Merged(into) => {
                        successors.push((name, release, vec![into]));
                        continue;
                    }
                };
                let record = Record::new(outcome, &release, sequence);
                records.extend(record.map(|record| (name, record)));
            }
            self.settle(records, known)?;
            self.follow(successors, known)?;
        }
        Ok(())
    }

    /// A sequence of the archive.
    fn archived(&self, uniparc: &str) -> Result<Option<ProteinSequence>, Error> {
        let asked = BTreeSet::from([uniparc]);
        let file = format!("{uniparc}.fasta");
        let (_, mut found) = self.get(&["uniparc", &file], &[], |answer| match answer.status {
            404 => Ok(BTreeMap::new()),
            _ => answers::fasta(answer, &asked),
        })?;
        Ok(found.remove(uniparc))
    }

    /// What a search for a group tells: nothing where the service does not take it, for single
    /// requests tell the same.
    fn search<T: Default>(
        &self,
        place: &str,
        field: &str,
        group: &[&Accession],
        read: impl Fn(&Answer) -> Result<T, Rejection>,
    ) -> Result<(String, T), Error> {
        let clauses = any_of(field, group);
        let query = [("query", clauses.as_str()), ("format", "json"), ("size", PAGE)];
        match self.get(&[place, "search"], &query, read) {
            Err(Error::Http(error @ (HttpError::Refused { .. } | HttpError::Unusable { .. }))) => {
                warn!(%error, "asking for each of {} accessions alone", group.len());
                Ok(Default::default())
            }
            told => told,
        }
    }

    /// What `read` makes of an answer, with the release that it is of.
    fn get<T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        read: impl Fn(&Answer) -> Result<T, Rejection>,
    ) -> Result<(String, T), Error> {
        let request = Request { path, query, limit: MAX_ANSWER };
        Ok(self.client.get(&request, |answer| Ok((answers::release(answer), read(answer)?)))?)
    }

    /// The results of `work` on each item in their order, `uniprot_parallel` at a time.
    fn in_parallel<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> Result<R, Error> + Sync,
    ) -> Result<Vec<R>, Error> {
        self.pool.install(|| items.par_iter().map(&work).collect())
    }

    /// Keeps records, which count from now on.
    fn settle(&self, records: Records, known: &mut Records) -> Result<(), Error> {
        self.keep(&records)?;
        known.extend(records);
        Ok(())
    }

    fn keep(&self, records: &Records) -> Result<(), Error> {
        self.job.kept.keep(records)?;
        let units = records.keys().filter(|name| self.wanted.contains(*name)).count() as u64;
        self.job.observer.observe(Event::Advanced { task: Task::Fetching, units });
        Ok(())
    }
}
