//! What is fixed about a file over a fence: where it is noted that it is polled.

use super::Variant;
use crate::variants::{of_word, words};
use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, WEAK},
    ground::op::{Takes, option},
};

/// The words of the variants.
const SYNC_FILE_VARIANTS: [&str; Variant::ALL.len()] = words(&Variant::ALL);

/// `struct sync_file`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncFile {
    /// Where it is noted that it is polled.
    pub variant: Variant,
}

impl Declared for SyncFile {
    const ROW: KindRow = KindRow {
        name: "sync-file",
        one: "a sync-file",
        sample: Some(("file", "")),
        facets: &["fence", "poll-enabled", "waiters"],
        decls: &[DeclRow {
            name: "sync-file",
            kind: Some(Kind::SyncFile),
            options: &[
                option(
                    "variant",
                    Takes::OneOf(&SYNC_FILE_VARIANTS),
                    "where it is noted that it is polled, upstream without it",
                ),
                WEAK,
            ],
            meaning: "a file over a fence; a thread must `sync-file-create` it first",
            kernel: "struct sync_file",
            make: Some(|args| SyncFile { variant: of_word(&Variant::ALL, args.word("variant")) }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::SyncFile<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::SyncFile<R> {
        super::SyncFile::new()
    }
}
