//! What is tested with the release of the function. The others deploy one that is built sooner.

use std::fs::File;
use std::io::Read;

use zip::ZipArchive;

use crate::book::run_tour;
use crate::project::{Project, release};

/// mimalloc has the day of its build in it: a deployment of the same source on another day would be
/// one of another function.
#[test]
fn the_function_does_not_tell_when_it_was_built() {
    let mut package = ZipArchive::new(File::open(release()).unwrap()).unwrap();
    let mut function = Vec::new();
    package
        .by_name("bootstrap")
        .unwrap()
        .read_to_end(&mut function)
        .unwrap();
    let has = |day: &[u8]| function.windows(day.len()).any(|bytes| bytes == day);
    assert!(
        has(b"Jan  1 1970"),
        "the package tells another day; if zig kept mimalloc of another build, remove zig's cache"
    );
}

#[test]
fn the_tour_is_as_printed() {
    let project = Project::of_the_repository();
    run_tour("docs/guides/local-aws.md", &project, &[], &[]);
}
