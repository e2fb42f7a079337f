//! What a changed manifest is caught at.

use super::*;

/// A sound split by proteins.
fn sound() -> SplitManifest {
    let (catalogue, edges) = (plain(600), edges(600, 20_000, 11));
    let settings = Settings { validation_fraction: 0.2, ..Settings::default() };
    build(&catalogue, whole(&edges), &settings).unwrap().manifest
}

/// The message for `manifest` after a forger who also corrects the sums.
fn caught(manifest: &SplitManifest, change: impl Fn(&mut SplitManifest)) -> String {
    let mut manifest = manifest.clone();
    manifest.verify().unwrap();
    change(&mut manifest);
    for (_, part) in manifest.parts.each_mut() {
        part.counts = Counts::of(&part.pairs);
    }
    let catalogue = manifest.catalogue().unwrap();
    manifest.overlaps = proof::overlaps(&catalogue, &manifest.parts);
    manifest.verify().unwrap_err().to_string()
}

fn first_positive(part: &PartRecord) -> Example {
    *part.pairs.iter().find(|e| e.label).unwrap()
}

#[test]
fn proteins_and_pairs_in_two_parts_are_found() {
    let sound = sound();
    let test = first_positive(&sound.parts.test);
    insta::assert_snapshot!(caught(&sound, |m| m.parts.train.pairs.push(test)), @"`P00566` or its sequence is in the train and the test part: split anew");
    insta::assert_snapshot!(caught(&sound, |m| m.parts.validation.pairs.push(test)), @"`P00566` or its sequence is in the validation and the test part: split anew");
    let train = first_positive(&sound.parts.train);
    insta::assert_snapshot!(caught(&sound, |m| m.parts.validation.pairs.push(train)), @"`P00085` or its sequence is in the train and the validation part: split anew");
    let widened = |m: &mut SplitManifest| {
        m.widened_validation = true;
        m.parts.validation.pairs.push(train);
    };
    insta::assert_snapshot!(caught(&sound, widened), @"training has seen both `P00085` and `P00038` of a validation pair: split anew");
    let by_pairs = |m: &mut SplitManifest| {
        m.settings.split = SplitRule::Pairs;
        m.parts.test.pairs.push(train);
    };
    insta::assert_snapshot!(caught(&sound, by_pairs), @"`P00085` with `P00038` is in the train and the test part: split anew");
    let carved = |m: &mut SplitManifest| {
        m.settings.split = SplitRule::Given;
        m.carved_validation = true;
        m.parts.validation.pairs.push(train);
    };
    insta::assert_snapshot!(caught(&sound, carved), @"`P00085` or its sequence is in the train and the validation part: split anew");
    // The same sequence under another name.
    let digest = sound.proteins[test.left as usize].1;
    let twin = |m: &mut SplitManifest| m.proteins[train.left as usize].1 = digest;
    insta::assert_snapshot!(caught(&sound, twin), @"`P00085` or its sequence is in the train and the test part: split anew");
}

#[test]
fn sampled_negatives_that_are_positives_are_found() {
    let sound = sound();
    let known = first_positive(&sound.parts.train);
    let (left, right) = (known.right, known.left);
    let negative = Example { left, right, label: false };
    insta::assert_snapshot!(caught(&sound, |m| m.parts.train.pairs.push(negative)), @"`P00038` with `P00085` is a sampled negative and a known positive: split anew");
    let mut given = sound.clone();
    given.parts.train.negatives = NegativeSource::Given;
    given.parts.train.pairs.push(negative);
    given.parts.train.counts = Counts::of(&given.parts.train.pairs);
    given.verify().unwrap();
}

#[test]
fn records_that_contradict_the_pairs_are_found() {
    let caught = |change: &dyn Fn(&mut SplitManifest)| {
        let mut manifest = sound();
        change(&mut manifest);
        manifest.verify().unwrap_err().to_string()
    };
    insta::assert_snapshot!(caught(&|m| m.parts.train.pairs.truncate(5)), @"the recorded counts are not those of the recorded pairs: split anew");
    insta::assert_snapshot!(caught(&|m| m.overlaps[0].pairs += 1), @"the recorded overlaps are not those of the recorded pairs: split anew");
    insta::assert_snapshot!(caught(&|m| m.proteins.swap(3, 4)), @"the split does not list its proteins once each, sorted by accession: split anew");
    let stray = |m: &mut SplitManifest| {
        m.parts.test.pairs[0].right = 600;
        m.parts.test.counts = Counts::of(&m.parts.test.pairs);
    };
    insta::assert_snapshot!(caught(&stray), @"a pair of the test part names protein number 600 of 600: split anew");
}
