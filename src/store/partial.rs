//! A file that is there whole or not at all: written under another name, synced, then renamed.
//!
//! Invariant: a file that was there before is never overwritten, and of a run that failed nothing stays.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What is to become a file. Dropping it removes what was written.
#[derive(Debug)]
pub(super) struct Partial {
    to: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Partial {
    /// Makes an empty file beside `to`, which its owner alone may read.
    ///
    /// # Errors
    /// `AlreadyExists` where `to` is there; any other when the folder can't be written.
    pub(super) fn beside(to: &Path) -> io::Result<Self> {
        absent(to)?;
        let mut name = to.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let path = to.with_file_name(name);
        // A process of the same number that was killed may have left one.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { to: to.to_owned(), path, kept: false })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs what was written and gives it its name. Returns its length in bytes.
    ///
    /// # Errors
    /// `AlreadyExists` where the name was taken meanwhile.
    pub(super) fn keep(mut self) -> io::Result<u64> {
        let file = File::open(&self.path)?;
        file.sync_all()?;
        absent(&self.to)?;
        std::fs::rename(&self.path, &self.to)?;
        self.kept = true;
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done about it, and it does no harm.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn absent(path: &Path) -> io::Result<()> {
    if path.try_exists()? { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_whole_and_what_failed_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let to = dir.path().join("file");
        let files = || std::fs::read_dir(dir.path()).expect("read").count();
        let partial = Partial::beside(&to).expect("made");
        std::fs::write(partial.path(), "half").expect("written");
        assert!(!to.exists());
        drop(partial);
        assert_eq!(files(), 0);
        let partial = Partial::beside(&to).expect("made");
        std::fs::write(partial.path(), "whole").expect("written");
        assert_eq!(partial.keep().expect("kept"), 5);
        assert_eq!((std::fs::read_to_string(&to).expect("read").as_str(), files()), ("whole", 1));
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let to = dir.path().join("file");
        let late = Partial::beside(&to).expect("made");
        std::fs::write(&to, "mine").expect("written");
        assert_eq!(Partial::beside(&to).expect_err("refused").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(late.keep().expect_err("refused").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&to).expect("read"), "mine");
    }
}
