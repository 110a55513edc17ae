//! TarOut: a directory or file as a tar stream.

use crate::failure::{Outcome, os_failure};
use crate::guest::Guest;
use crate::messages::TarOut;
use crate::worker::Hands;
use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};

impl Guest {
    /// Streams a tar archive; names in it are relative to the directory.
    pub fn tar_out(&mut self, key: u64, wish: TarOut) -> Outcome<()> {
        self.start_reader(key, (&wish.user, &wish.path), pack)
    }
}

fn pack(hands: &mut Hands, path: &str) -> Outcome<()> {
    let fail = |error: io::Error| os_failure(&error, path);
    let root = Path::new(path);
    let data = std::fs::metadata(root).map_err(fail)?;
    let output = BufWriter::with_capacity(64 * 1024, &hands.output);
    let mut builder = Builder::new(output);
    if data.is_dir() {
        std::fs::read_dir(root).map_err(fail)?;
        pack_folder(&mut builder, root, Path::new("."), &data)?;
    } else {
        let name = root.file_name().unwrap_or(root.as_os_str());
        pack_entry(&mut builder, root, Path::new(name), &data)?;
    }
    let mut output = builder.into_inner().map_err(fail)?;
    output.flush().map_err(fail)
}

type Out<'a> = Builder<BufWriter<&'a File>>;

fn pack_folder(out: &mut Out<'_>, path: &Path, name: &Path, data: &Metadata) -> Outcome<()> {
    let fail = |error: io::Error| os_failure(&error, &path.to_string_lossy());
    let mut header = Header::new_gnu();
    header.set_metadata(data);
    header.set_size(0);
    out.append_data(&mut header, name, io::empty())
        .map_err(fail)?;
    let mut entries = std::fs::read_dir(path)
        .map_err(fail)?
        .collect::<io::Result<Vec<_>>>()
        .map_err(fail)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let data = match std::fs::symlink_metadata(&path) {
            Ok(data) => data,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(os_failure(&error, &path.to_string_lossy())),
        };
        let name = name.join(entry.file_name());
        if data.is_dir() {
            pack_folder(out, &path, &name, &data)?;
        } else {
            pack_entry(out, &path, &name, &data)?;
        }
    }
    Ok(())
}

/// Packs a file or symlink; sockets, fifos and devices are left out.
fn pack_entry(out: &mut Out<'_>, path: &Path, name: &Path, data: &Metadata) -> Outcome<()> {
    let fail = |error: io::Error| os_failure(&error, &path.to_string_lossy());
    let mut header = Header::new_gnu();
    header.set_metadata(data);
    if data.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        let target = std::fs::read_link(path).map_err(fail)?;
        out.append_link(&mut header, name, target).map_err(fail)
    } else if data.is_file() {
        let file = File::open(path).map_err(fail)?;
        // The archive promises a length: a file that changes meanwhile is cut, or filled with zeros, as by GNU tar.
        let exact = file.chain(io::repeat(0)).take(data.len());
        out.append_data(&mut header, name, exact).map_err(fail)
    } else {
        Ok(())
    }
}
