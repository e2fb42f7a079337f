//! The zip archive that `torch.save` writes: files one behind the other, never compressed.
//!
//! Fields and their places are those of PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3. What the
//! archive claims is compared with its length before it is used, and nothing is unpacked.

use std::collections::BTreeMap;
use std::ops::Range;

use flate2::Crc;

use super::Problem;
use crate::storage::MappedFile;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
/// The length of the end record without its comment, of which 16 bits tell the length.
const END_LENGTH: usize = 22;
const LOCATOR_LENGTH: usize = 20;
/// The extra field that holds what needs 64 bits.
const EXTRA_64: u16 = 1;
const IS_ENCRYPTED: u16 = 1;
/// Bytes that are checked before their memory is given back.
const STRIDE: usize = 16 << 20;

/// The files of an archive by their names.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    /// The folder that all files lie in, named after the file that was saved.
    root: &'a str,
    files: BTreeMap<&'a str, File>,
}

/// Where a file lies.
#[derive(Debug)]
struct File {
    bytes: Range<usize>,
    /// 0 where it was not computed.
    crc32: u32,
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Problem> {
        if !bytes.starts_with(LOCAL) {
            let problem = "it is no zip archive, which `torch.save` writes since PyTorch 1.6";
            return Err(Problem::Foreign(problem.to_owned()));
        }
        let directory =
            Directory::find(bytes).ok_or_else(|| damaged("the directory at its end is missing"))?;
        let files = directory.files(bytes)?;
        let root = files.keys().filter_map(|name| name.strip_suffix("data.pkl"));
        let root =
            root.filter(|root| root.is_empty() || root.ends_with('/')).min_by_key(|r| r.len());
        let root = root.ok_or_else(|| {
            Problem::Foreign("it holds no `data.pkl`, which `torch.save` writes".to_owned())
        })?;
        let lengths = files.values().map(|file| file.bytes.len());
        match lengths.fold(0, usize::saturating_add) > bytes.len() {
            true => Err(damaged("its files overlap")),
            false => Ok(Self { bytes, root, files }),
        }
    }

    /// The bytes of a file below the root, if it is there.
    pub(super) fn file(&self, name: &str) -> Option<&'a [u8]> {
        let file = self.files.get(format!("{}{name}", self.root).as_str())?;
        self.bytes.get(file.bytes.clone())
    }

    /// Compares every file with its checksum; `mapped` is what the archive was opened on.
    pub(super) fn verify(&self, mapped: &MappedFile) -> Result<(), Problem> {
        for (name, file) in self.files.iter().filter(|(_, file)| file.crc32 != 0) {
            let mut crc = Crc::new();
            for bytes in self.bytes[file.bytes.clone()].chunks(STRIDE) {
                crc.update(bytes);
                mapped.release();
            }
            if crc.sum() != file.crc32 {
                return Err(damaged(&format!("the checksum of `{name}` is another")));
            }
        }
        Ok(())
    }
}

/// Where the directory lies.
struct Directory {
    offset: u64,
    entries: u64,
}

impl Directory {
    /// Looks for the end record, which only a comment may follow.
    fn find(bytes: &[u8]) -> Option<Self> {
        let last = bytes.len().checked_sub(END_LENGTH)?;
        let first = last.saturating_sub(usize::from(u16::MAX));
        let is_end = |at: &usize| {
            let comment = last - at;
            bytes[*at..].starts_with(END) && word(bytes, at + 20).map(usize::from) == Some(comment)
        };
        let end = (first..=last).rev().find(is_end)?;
        let locator = end.checked_sub(LOCATOR_LENGTH);
        match locator.filter(|at| bytes[*at..].starts_with(LOCATOR_64)) {
            Some(locator) => {
                let end = usize::try_from(quad(bytes, locator + 8)?).ok()?;
                bytes.get(end..)?.starts_with(END_64).then_some(())?;
                Some(Self { entries: quad(bytes, end + 32)?, offset: quad(bytes, end + 48)? })
            }
            None => Some(Self {
                entries: word(bytes, end + 10)?.into(),
                offset: double(bytes, end + 16)?.into(),
            }),
        }
    }

    fn files<'a>(&self, bytes: &'a [u8]) -> Result<BTreeMap<&'a str, File>, Problem> {
        let broken = || damaged("its directory is broken");
        let mut at = usize::try_from(self.offset).map_err(|_| broken())?;
        let mut files = BTreeMap::new();
        for _ in 0..self.entries {
            let entry = Entry::read(bytes, at).ok_or_else(broken)?;
            at = entry.end;
            // A name that is no UTF-8 is none of those that are looked for.
            let Ok(name) = str::from_utf8(entry.name) else { continue };
            let file = entry.file(bytes, name)?;
            if files.insert(name, file).is_some() {
                return Err(damaged(&format!("it holds `{}` twice", shown(name))));
            }
        }
        Ok(files)
    }
}

/// A row of the directory.
struct Entry<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc32: u32,
    packed: u64,
    size: u64,
    /// Where the file's own header begins.
    header: u64,
    /// Where the next row begins.
    end: usize,
}

impl<'a> Entry<'a> {
    fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        bytes.get(at..)?.starts_with(CENTRAL).then_some(())?;
        let length = |place: usize| Some(usize::from(word(bytes, at + place)?));
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let start = at + 46;
        let end = start + name + extra + comment;
        let mut entry = Self {
            name: bytes.get(start..start + name)?,
            flags: word(bytes, at + 8)?,
            method: word(bytes, at + 10)?,
            crc32: double(bytes, at + 16)?,
            packed: double(bytes, at + 20)?.into(),
            size: double(bytes, at + 24)?.into(),
            header: double(bytes, at + 42)?.into(),
            end,
        };
        entry.widen(bytes.get(start + name..start + name + extra)?)?;
        Some(entry)
    }

    /// Takes from the extra field what does not fit into 32 bits: in this order, and only that.
    fn widen(&mut self, mut extra: &[u8]) -> Option<()> {
        let fields = [&mut self.size, &mut self.packed, &mut self.header].into_iter();
        let mut wide = fields.filter(|value| **value == u64::from(u32::MAX)).peekable();
        while wide.peek().is_some() {
            let (kind, length) = (word(extra, 0)?, usize::from(word(extra, 2)?));
            let field = extra.get(4..4 + length)?;
            if kind == EXTRA_64 {
                for (index, value) in wide.by_ref().enumerate() {
                    *value = quad(field, 8 * index)?;
                }
            }
            extra = &extra[4 + length..];
        }
        Some(())
    }

    fn file(&self, bytes: &[u8], name: &str) -> Result<File, Problem> {
        let name = shown(name);
        if self.method != 0 || self.packed != self.size || self.flags & IS_ENCRYPTED != 0 {
            let problem =
                format!("`{name}` in it is compressed or encrypted; `torch.save` does neither");
            return Err(Problem::Foreign(problem));
        }
        let bytes = self.place(bytes);
        let bytes = bytes.ok_or_else(|| damaged(&format!("`{name}` lies beyond its end")))?;
        Ok(File { bytes, crc32: self.crc32 })
    }

    /// Where the content lies: behind the file's own header, whose names may have other lengths.
    fn place(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let header = usize::try_from(self.header).ok()?;
        bytes.get(header..)?.starts_with(LOCAL).then_some(())?;
        let length = |place: usize| Some(usize::from(word(bytes, header + place)?));
        let start = header + 30 + length(26)? + length(28)?;
        let end = start.checked_add(usize::try_from(self.size).ok()?)?;
        (end <= bytes.len()).then_some(start..end)
    }
}

fn damaged(problem: &str) -> Problem {
    Problem::Damaged(problem.to_owned())
}

/// The beginning of a name, without what a terminal would take for a command.
pub(super) fn shown(name: &str) -> String {
    name.escape_debug().take(80).collect()
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn double(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn quad(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
