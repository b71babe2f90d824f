//! Exports: everything that a store holds as a file of JSON lines, from which another store, also one of another kind, is filled.
//!
//! It is not a backup: nobody may write meanwhile. Invariant: of a store of any size, one page of records and one line are in memory at a time.

mod line;

use crate::store::partial::Partial;
use line::{FORMAT, Line};
use rooms::store::{Record, StoreError, Transfer};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Records read or put at once. More share one commit, fewer are less in memory.
const PAGE_RECORDS: usize = 256;

/// The longest line that is read. A message's text has at most some 16 kB, thrice as many with everything escaped.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Why there is no export, or why an import ended. The texts name the flag.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The file can't be made, written or read.
    #[error("{flag} {}: {source}", path.display())]
    File { flag: &'static str, path: PathBuf, source: io::Error },
    /// What is in the file isn't what should be there.
    #[error("--from {}, line {line}: {problem}", path.display())]
    Line { path: PathBuf, line: u64, problem: String },
    /// An import needs an empty store.
    #[error("the store isn't empty; allowed is one in which nothing was ever kept")]
    NotEmpty,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes everything that `store` holds into the new file `to`. Returns the number of records. Blocks on the disk: for a runtime of its own.
///
/// # Errors
/// [`TransferError`] when the store can't be read, or the file is there or can't be written. Then there is no file `to`.
pub async fn export(store: &dyn Transfer, to: &Path) -> Result<u64, TransferError> {
    let failed = |source: io::Error| TransferError::File { flag: "--to", path: to.to_owned(), source };
    let partial = Partial::beside(to).map_err(failed)?;
    let mut file = BufWriter::new(File::options().write(true).open(partial.path()).map_err(failed)?);
    write(&mut file, &Line::ZzanExport { format: FORMAT, zzan: env!("CARGO_PKG_VERSION").into() }).map_err(failed)?;
    let (mut position, mut written) = (None, 0);
    loop {
        let page = store.records(position, PAGE_RECORDS as u32).await?;
        for record in page.records {
            write(&mut file, &record.into()).map_err(failed)?;
            written += 1;
        }
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    write(&mut file, &Line::End { records: written }).map_err(failed)?;
    file.flush().map_err(failed)?;
    partial.keep().map_err(failed)?;
    Ok(written)
}

/// Puts everything that is in the file into `store`, which has to be empty. Returns the number of records. Blocks on the disk: for a runtime of
/// its own.
///
/// # Errors
/// [`TransferError`]. The store then holds the records before the line that is named, and is to be thrown away.
pub async fn import(store: &dyn Transfer, from: &Path) -> Result<u64, TransferError> {
    if !store.records(None, 1).await?.records.is_empty() {
        return Err(TransferError::NotEmpty);
    }
    let mut lines = Lines::open(from)?;
    match lines.next()? {
        Some(Line::ZzanExport { format: FORMAT, .. }) => {}
        Some(Line::ZzanExport { format, zzan }) => {
            return Err(lines.problem(format!("format {format}, written by zzan {zzan}; this zzan knows up to {FORMAT}")));
        }
        Some(_) | None => return Err(lines.problem("no export of zzan: it has to begin with its header".into())),
    }
    let (mut records, mut put) = (Vec::with_capacity(PAGE_RECORDS), 0);
    loop {
        let Some(line) = lines.next()? else { return Err(lines.problem("the file was cut: its end is missing".into())) };
        match line {
            Line::End { records: expected } => {
                put += put_all(store, &mut records).await?;
                if put != expected {
                    return Err(lines.problem(format!("{put} records came before the end; it counts {expected}")));
                }
                return lines.end().map(|()| put);
            }
            line => match line.record() {
                Some(record) => records.push(record),
                None => return Err(lines.problem("a second header".into())),
            },
        }
        if records.len() == PAGE_RECORDS {
            put += put_all(store, &mut records).await?;
        }
    }
}

async fn put_all(store: &dyn Transfer, records: &mut Vec<Record>) -> Result<u64, TransferError> {
    let count = records.len() as u64;
    store.put_records(std::mem::replace(records, Vec::with_capacity(PAGE_RECORDS))).await?;
    Ok(count)
}

fn write(file: &mut BufWriter<File>, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")
}

/// The lines of a file, counted.
struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    /// The number of the line that was read last.
    number: u64,
    buffer: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, TransferError> {
        let failed = |source| TransferError::File { flag: "--from", path: path.to_owned(), source };
        let file = BufReader::new(File::open(path).map_err(failed)?);
        Ok(Self { path: path.to_owned(), file, number: 0, buffer: Vec::new() })
    }

    /// `None` at the end of the file.
    fn next(&mut self) -> Result<Option<Line>, TransferError> {
        self.buffer.clear();
        self.number += 1;
        let read = (&mut self.file).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|source| TransferError::File { flag: "--from", path: self.path.clone(), source })?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == LINE_BYTES_MAX {
            return Err(self.problem(format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        serde_json::from_slice(&self.buffer).map(Some).map_err(|error| self.problem(error.to_string()))
    }

    /// That nothing follows.
    fn end(&mut self) -> Result<(), TransferError> {
        match self.next()? {
            None => Ok(()),
            Some(_) => Err(self.problem("something follows the end".into())),
        }
    }

    fn problem(&self, problem: String) -> TransferError {
        TransferError::Line { path: self.path.clone(), line: self.number, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use rooms::store::conformance::{Walk, keep_every_kind_of_record};
    use rooms::store::{MemoryStore, MessageStore as _};
    use rooms::{ChannelId, UserId};

    async fn all(store: &dyn Transfer) -> Vec<Record> {
        store.records(None, 1_000_000).await.expect("read").records
    }

    /// A store in which every kind of record is.
    async fn filled(dir: &Path) -> (Sqlite, Walk) {
        let store = Sqlite::open(&dir.join("from.db")).expect("opens");
        let mut walk = Walk::new(3, 1, 1_000);
        keep_every_kind_of_record(&store, &mut walk, 1_000).await;
        store.mark_read(&UserId::new("u"), &ChannelId::new("without a message"), 1).await.expect("marked");
        (store, walk)
    }

    #[tokio::test]
    async fn an_export_fills_a_store_of_either_kind_with_the_same() {
        let dir = tempfile::tempdir().expect("a directory");
        let (from, mut walk) = filled(dir.path()).await;
        let (file, back) = (dir.path().join("export.jsonl"), dir.path().join("back.jsonl"));
        let written = export(&from, &file).await.expect("written");
        assert!(written > PAGE_RECORDS as u64 && written == all(&from).await.len() as u64);
        let to = Sqlite::open(&dir.path().join("to.db")).expect("opens");
        assert_eq!(import(&to, &file).await.expect("put"), written);
        assert_eq!(all(&to).await, all(&from).await);
        export(&to, &back).await.expect("written");
        assert_eq!(std::fs::read(&back).expect("read"), std::fs::read(&file).expect("read"), "byte by byte");
        let memory = MemoryStore::new();
        assert_eq!(import(&memory, &file).await.expect("put"), written);
        assert!(walk.is_kept_by(&memory).await && walk.is_kept_by(&to).await);
        for _ in 0..200 {
            walk.step(&memory).await;
        }
    }

    #[tokio::test]
    async fn a_store_that_holds_anything_and_a_name_that_is_taken_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let (store, _) = filled(dir.path()).await;
        let file = dir.path().join("export.jsonl");
        export(&store, &file).await.expect("written");
        assert!(matches!(import(&store, &file).await, Err(TransferError::NotEmpty)));
        let error = export(&store, &file).await.expect_err("it is there").to_string();
        assert!(error.starts_with("--to ") && error.contains("export.jsonl"), "{error}");
        let error = import(&MemoryStore::new(), &dir.path().join("none")).await.expect_err("it isn't there").to_string();
        assert!(error.starts_with("--from ") && error.contains("none"), "{error}");
    }

    #[tokio::test]
    async fn what_is_wrong_in_a_file_is_named_with_its_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let (store, _) = filled(dir.path()).await;
        let file = dir.path().join("export.jsonl");
        export(&store, &file).await.expect("written");
        let text = std::fs::read_to_string(&file).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        let (first, last) = (lines[0], lines[lines.len() - 1]);
        let end = lines.len();
        for (name, text, line, problem) in [
            ("empty", String::new(), 1, "no export of zzan"),
            ("headless", lines[1..].join("\n"), 1, "no export of zzan"),
            ("newer", text.replacen("\"format\":1", "\"format\":2", 1), 1, "format 2, written by zzan"),
            ("cut", lines[..end - 1].join("\n"), end, "its end is missing"),
            ("cut in a line", text[..text.len() - 3].to_owned(), end, "EOF while parsing"),
            ("one less", [&lines[..end - 2], &[last]].concat().join("\n"), end - 1, "it counts"),
            ("twice", [first, first, last].join("\n"), 2, "a second header"),
            ("longer", format!("{text}{first}\n"), end + 1, "something follows the end"),
            ("unknown", [first, "{\"kind\":\"recipe\"}", last].join("\n"), 2, "unknown variant `recipe`"),
            ("a long line", format!("{first}\n{}", " ".repeat(LINE_BYTES_MAX as usize)), 2, "longer than 1048576 bytes"),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("written");
            let error = import(&MemoryStore::new(), &path).await.expect_err(name).to_string();
            assert!(error.contains(&format!(", line {line}: ")) && error.contains(problem), "{name}: {error}");
        }
    }
}
