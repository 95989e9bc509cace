//! Finds plaintext in a file of etcd that no key holds any more.
//!
//! Encrypting a value again does not remove the plaintext from the file. etcd keeps old revisions
//! until it compacts them, and bbolt does not clear the pages that it frees.
//!
//! This finds the minimum: when the start of an object is overwritten, the rest of it is not
//! recognized. The write-ahead log of a data directory is another file, and is not searched.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;
use zeroize::Zeroizing;

use crate::bolt::{ReadAt, View};
use crate::etcd::{self, Error, Revision};
use crate::stored::Object;

/// How much is read at once, in bytes.
const CHUNK: usize = 1 << 20;
/// How much after the start of an object is read for its name, in bytes.
const LOOK: usize = 1 << 14;
/// How an object starts: in protobuf, or in JSON as Kubernetes writes it.
const STARTS: [&[u8]; 3] = [b"k8s\0", b"{\"kind\":\"", b"{\"apiVersion\":\""];

/// Plaintext of an object that no key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it is.
    pub place: Place,
    /// What object it is.
    pub object: Object,
}

/// Where plaintext is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a revision that was replaced or deleted. Compaction removes the revision.
    OldRevision(Revision),
    /// In the page with this number, which bbolt does not use. Defragmentation removes it.
    FreePage(u64),
    /// After the last element of the page with this number. Defragmentation removes it.
    PageTail(u64),
}

/// Calls `found` with each place of plaintext that no key holds. `is_sought` chooses the objects;
/// [`is_secret`] chooses Secrets.
///
/// # Errors
/// Returns an [`Error`] when the database is damaged.
pub fn find<R: ReadAt>(
    view: &View<'_, R>,
    is_sought: impl Fn(&Object) -> bool,
    mut found: impl FnMut(Finding),
) -> Result<(), Error> {
    let mut report = |place, object| {
        if is_sought(&object) {
            found(Finding { place, object });
        }
    };
    old_revisions(view, &mut report)?;
    let mut used = view.pages(|page| {
        let tail = page.tail();
        let mut scan = Scan::default();
        for (start, window, size) in windows(0..tail.len() as u64) {
            let window = &tail[start as usize..][..window];
            let place = Place::PageTail(page.number());
            scan.window(start, window, size, |_, object| report(place, object));
        }
    })?;
    for part in view.other_tails(&mut used)? {
        scan(view, part.bytes, |_, object| report(Place::PageTail(part.page), object))?;
    }
    for part in view.free(&used) {
        let page = |offset| Place::FreePage(offset / view.page_size());
        scan(view, part.bytes, |offset, object| report(page(offset), object))?;
    }
    Ok(())
}

/// Returns whether an object is a Secret.
#[must_use]
pub fn is_secret(object: &Object) -> bool {
    object.api_version == "v1" && object.kind == "Secret"
}

fn old_revisions<R: ReadAt>(
    view: &View<'_, R>,
    mut report: impl FnMut(Place, Object),
) -> Result<(), Error> {
    let latest = etcd::latest(view, b"", |record| record.revision)?;
    let latest: HashSet<Revision> = latest.into_values().collect();
    etcd::records(view, |record| {
        if !latest.contains(&record.revision)
            && let Some((object, _)) = Object::identify(record.value)
        {
            report(Place::OldRevision(record.revision), object);
        }
        Ok(())
    })
}

/// Calls `found` with each object in these bytes of the file, and its position in the file.
fn scan<R: ReadAt>(
    view: &View<'_, R>,
    bytes: Range<u64>,
    mut found: impl FnMut(u64, Object),
) -> Result<(), Error> {
    let mut buffer = Zeroizing::new(Vec::new());
    let mut scan = Scan::default();
    for (start, window, size) in windows(bytes) {
        if buffer.is_empty() {
            buffer = Zeroizing::new(vec![0; window]);
        }
        let window = &mut buffer[..window];
        view.read(window, start)?;
        scan.window(start, window, size, &mut found);
    }
    Ok(())
}

/// Splits bytes into windows: their start, their size, and how much of it is not in the next one.
fn windows(bytes: Range<u64>) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = bytes.end;
    bytes.step_by(CHUNK).map(move |start| {
        let size = |limit: usize| usize::try_from(end - start).map_or(limit, |r| r.min(limit));
        (start, size(CHUNK + LOOK), size(CHUNK))
    })
}

/// Looks for objects in bytes that follow each other.
#[derive(Default)]
struct Scan {
    /// The end of the last object in protobuf. Annotations in it may be JSON of the same object.
    end: u64,
}

impl Scan {
    /// Calls `found` with each object that starts in the first `size` bytes.
    fn window(
        &mut self,
        start: u64,
        bytes: &[u8],
        size: usize,
        mut found: impl FnMut(u64, Object),
    ) {
        let find = |pattern| memmem::find_iter(bytes, pattern);
        let mut starts: Vec<usize> =
            STARTS.into_iter().flat_map(find).filter(|at| *at < size).collect();
        starts.sort_unstable();
        for at in starts {
            let position = start + at as u64;
            let rest = &bytes[at..];
            let is_json = rest[0] == b'{';
            if is_json && position < self.end {
                continue;
            }
            let look = &rest[..rest.len().min(LOOK)];
            let Some((object, length)) = Object::identify(look) else { continue };
            self.end = self.end.max(position.saturating_add(length as u64));
            found(position, object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bolt::testing::leaf;
    use crate::bolt::{Database, Origin};
    use crate::etcd::testing::{Change, database};
    use crate::stored::testing::{json, protobuf};

    fn places(file: &[u8]) -> Vec<(Place, String)> {
        let database = Database::open(file, Origin::DataDirectory).unwrap();
        let found = database.view(|view| {
            let mut places = Vec::new();
            find(view, is_secret, |finding| {
                places.push((finding.place, finding.object.name.unwrap_or_default()));
            })?;
            Ok::<_, Error>(places)
        });
        found.unwrap()
    }

    fn secret(name: &str) -> Vec<u8> {
        protobuf("v1", "Secret", "default", name)
    }

    fn old(main: u64) -> Place {
        Place::OldRevision(Revision { main, sub: 0 })
    }

    #[test]
    fn the_plaintext_of_a_replaced_or_deleted_revision_is_found() {
        let [a, b, live] = ["a", "b", "live"].map(secret);
        let json = json("v1", "Secret", "default", "json");
        let other = protobuf("v1", "ConfigMap", "default", "other");
        let changes: [Change<'_>; 10] = [
            (2, b"/a", Some(&a)),
            (3, b"/b", Some(&b)),
            (4, b"/live", Some(&live)),
            (5, b"/json", Some(&json)),
            (6, b"/other", Some(&other)),
            (7, b"/a", Some(b"k8s:enc:aesgcm:v1:k:data")),
            (8, b"/b", None),
            (9, b"/json", Some(b"k8s:enc:aesgcm:v1:k:data")),
            (10, b"/other", None),
            (11, b"/a", Some(b"k8s:enc:aesgcm:v1:k:more")),
        ];
        let expected = [(old(2), "a"), (old(3), "b"), (old(5), "json")];
        let expected = expected.map(|(place, name)| (place, name.to_owned()));
        assert_eq!(places(&database(&changes).build()), expected);
    }

    #[test]
    fn a_free_page_is_searched_also_across_its_end_and_after_the_last_page() {
        let mut file = database(&[]).build();
        let start = file.len() as u64 / 512;
        file.resize(file.len() + 500, 0);
        file.extend(secret("over-the-end"));
        file.extend(json("v1", "Secret", "default", "json"));
        let expected = [(start, "over-the-end"), (start + 1, "json")];
        let expected = expected.map(|(page, name)| (Place::FreePage(page), name.to_owned()));
        assert_eq!(places(&file), expected);
    }

    #[test]
    fn a_search_of_many_pages_misses_and_repeats_nothing() {
        let mut file = database(&[]).build();
        let empty = file.len();
        let secrets: Vec<_> = (0..3000).map(|n| secret(&format!("secret-{n:04}"))).collect();
        for secret in &secrets {
            file.extend(secret);
            file.resize(file.len() + 700, b' ');
        }
        assert!(file.len() - empty > 2 * CHUNK);
        let names: Vec<_> = places(&file).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, (0..3000).map(|n| format!("secret-{n:04}")).collect::<Vec<_>>());
        for shift in 0..60 {
            let mut file = database(&[]).build();
            file.resize(empty + CHUNK - shift, 0);
            file.extend(secret("at-the-border"));
            assert_eq!(places(&file).len(), 1, "{shift} bytes before the border");
        }
    }

    #[test]
    fn the_end_of_a_page_in_use_is_searched() {
        let mut builder = database(&[(2, b"/a", Some(b"{}"))]);
        builder.pages[0].extend(secret("leaf"));
        builder.pages.push([leaf(&[]), secret("free")].concat());
        let mut file = builder.build();
        for (page, name) in [(0, "meta"), (2, "root")] {
            let secret = secret(name);
            file[page * 512 + 300..][..secret.len()].copy_from_slice(&secret);
        }
        let expected = [
            (Place::PageTail(2), "root"),
            (Place::PageTail(3), "leaf"),
            (Place::PageTail(0), "meta"),
            (Place::FreePage(4), "free"),
        ];
        assert_eq!(places(&file), expected.map(|(place, name)| (place, name.to_owned())));
    }

    #[test]
    fn an_annotation_with_the_object_in_it_is_not_another_object() {
        let mut file = database(&[]).build();
        let page = file.len() as u64 / 512;
        let mut object = secret("one");
        // The size of the object is in its 20th byte.
        assert_eq!(usize::from(object[19]), object.len() - 20);
        let annotation = json("v1", "Secret", "default", "one");
        object[19] += annotation.len() as u8;
        object.extend(annotation);
        object.extend(json("v1", "Secret", "default", "two"));
        file.extend(object);
        let expected = ["one", "two"].map(|name| (Place::FreePage(page), name.to_owned()));
        assert_eq!(places(&file), expected);
    }
}
