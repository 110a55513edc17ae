//! `berth-helper flatten SNAPSHOT OWNER-BASE LAYER LAYER-BASE …`: merges layers, top one first, into the snapshot that lies on them, so that it needs
//! them no more. A process of its own, because it may take minutes; killed, it leaves the snapshot as it was or gone, and a half-made successor.

mod merge;

use std::path::Path;

use serde_json::json;

use crate::btrfs::subvolume;
use crate::error::{Error, Result};
use crate::{at, kernel, mount, output};

/// Runs with the words after `flatten`; the answer is one line of JSON on stdout: `{files}`, how many were taken over, or `{error}`.
pub fn run(words: &[String]) -> Result<()> {
    kernel::raise_open_files();
    match flatten(words) {
        Ok(files) => println!("{}", json!({ "files": files })),
        Err(error) => {
            println!("{}", json!({ "error": output::error_json(&error) }));
            return Err(error);
        }
    }
    Ok(())
}

fn flatten(words: &[String]) -> Result<u64> {
    let usage = || {
        Error::bad_request("usage: berth-helper flatten SNAPSHOT OWNER-BASE [LAYER LAYER-BASE]…")
    };
    let base = |word: &String| word.parse::<u32>().map_err(|_| usage());
    let [snapshot, owner_base, rest @ ..] = words else {
        return Err(usage());
    };
    let owner_base = base(owner_base)?;
    let mut layers = Vec::new();
    for pair in rest.chunks(2) {
        let [path, layer_base] = pair else {
            return Err(usage());
        };
        layers.push((Path::new(path), base(layer_base)?));
    }
    let mut files = 0;
    subvolume::replace(Path::new(snapshot), |successor| {
        let target = at::root(&successor.join("upper"))?;
        for (path, layer_base) in layers {
            let source = if layer_base == owner_base {
                at::root(path)?
            } else {
                let mapped = mount::idmap::clone_mapped(path, layer_base, owner_base)?;
                at::open_directory(&mapped, c".")?
            };
            files += merge::below(&source, &target)?;
        }
        Ok(())
    })?;
    Ok(files)
}
